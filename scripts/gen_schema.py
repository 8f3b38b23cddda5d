"""Write leadtui/store/schema.py: the SQLModel tables as plain SQLAlchemy Core tables.

Importing SQLModel and building its classes takes as long as all the rest of a start. Queries need only the Core
columns, so the program reads this image, without indexes (naming one loads a whole database dialect); the classes in
leadtui/store/tables stay the definition, and a test fails when the image is stale. Run: python scripts/gen_schema.py
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from sqlalchemy import Column, Table

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from sqlmodel import SQLModel

from leadtui.store import tables  # noqa: F401 - fills the metadata

TARGET = Path(__file__).resolve().parent.parent / "leadtui" / "store" / "schema.py"

HEAD = '''"""The tables as SQLAlchemy Core sees them: `schema.lead.c.stage_id`. Queries use these.

Generated from leadtui/store/tables by scripts/gen_schema.py: change the classes there, then run it.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Date,
    Float,
    ForeignKey,
    Integer,
    MetaData,
    String,
    Table,
    Text,
)

from leadtui.store.types import NAMING, UtcDateTime

metadata = MetaData(naming_convention=NAMING)
'''


def type_of(column: Column[Any]) -> str:
    """The column's type as code."""
    kind = type(column.type).__name__
    if kind == "AutoString":
        length = column.type.length  # type: ignore[attr-defined]
        return f"String({length})" if length else "Text()"
    return f"{kind}()"


def column_code(column: Column[Any]) -> str:
    """The column as code."""
    parts = [repr(column.name), type_of(column)]
    for key in column.foreign_keys:
        parts.append(f"ForeignKey({key.target_fullname!r}" + (f", ondelete={key.ondelete!r})" if key.ondelete else ")"))
    if column.primary_key:
        parts.append("primary_key=True")
    if not column.nullable and not column.primary_key:
        parts.append("nullable=False")
    if column.unique:
        parts.append("unique=True")
    default = column.default
    if default is not None and default.is_scalar and default.arg is not None:  # type: ignore[attr-defined]
        parts.append(f"default={default.arg!r}")  # type: ignore[attr-defined]
    if column.server_default is not None:
        parts.append(f"server_default={str(column.server_default.arg)!r}")  # type: ignore[attr-defined]
    return f"Column({', '.join(parts)})"


def table_code(table: Table) -> str:
    """The table as code."""
    lines = [f"{table.name} = Table(", f"    {table.name!r},", "    metadata,"]
    lines += [f"    {column_code(c)}," for c in table.columns]
    return "\n".join([*lines, ")"])


def generate() -> str:
    """The whole file."""
    found = sorted(SQLModel.metadata.tables.values(), key=lambda t: t.name)
    return HEAD + "\n" + "\n".join(table_code(t) for t in found) + "\n"


if __name__ == "__main__":
    TARGET.write_text(generate(), encoding="utf-8")
