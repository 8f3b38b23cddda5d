"""What migration 0005 puts into a database that is in use: the rules of scores and of assignment of its presets."""

from __future__ import annotations

from sqlalchemy.engine import Connection

from .defaults_0005_assignment import assignment_rules
from .defaults_0005_scoring import scoring_rules


def rules(conn: Connection) -> None:
    """The rules of the presets whose pipelines the database has. A new database gets them with its pipeline."""
    scoring_rules(conn)
    assignment_rules(conn)
