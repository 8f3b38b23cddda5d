"""What every table shares: the metadata with stable constraint names, and the index over leads not deleted."""

from __future__ import annotations

from sqlalchemy import Index, text
from sqlmodel import SQLModel

from leadtui.store.types import NAMING, UtcDateTime

SQLModel.metadata.naming_convention = NAMING

__all__ = ["UtcDateTime", "live_index"]


def live_index(name: str, *columns: str, unique: bool = False) -> Index:
    """An index over the leads that are not deleted: what every list reads (spec AG9, AH24)."""
    live = text("deleted_at IS NULL")
    return Index(name, *columns, unique=unique, sqlite_where=live, postgresql_where=live)
