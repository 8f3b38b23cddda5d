"""Substring search: one folded column, helped by a trigram index where the database has one (spec AH24).

The answer is always that of `search_text LIKE '%term%'`; the index only makes it quick, so SQLite, PostgreSQL, and a
database without the extension find the same leads.
"""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError

FTS = "lead_search"

_SQLITE = (
    (
        f"CREATE VIRTUAL TABLE {FTS} USING fts5(search_text, content='lead', content_rowid='id', "
        "tokenize='trigram case_sensitive 1', columnsize=0)"
    ),
    f"""CREATE TRIGGER lead_search_insert AFTER INSERT ON lead BEGIN
        INSERT INTO {FTS}(rowid, search_text) VALUES (new.id, new.search_text); END""",
    f"""CREATE TRIGGER lead_search_delete AFTER DELETE ON lead BEGIN
        INSERT INTO {FTS}({FTS}, rowid, search_text) VALUES ('delete', old.id, old.search_text); END""",
    f"""CREATE TRIGGER lead_search_update AFTER UPDATE OF search_text ON lead
        WHEN old.search_text IS NOT new.search_text BEGIN
        INSERT INTO {FTS}({FTS}, rowid, search_text) VALUES ('delete', old.id, old.search_text);
        INSERT INTO {FTS}(rowid, search_text) VALUES (new.id, new.search_text); END""",
)


def create_search_index(conn: Connection) -> bool:
    """Make the trigram index; False where the database cannot, and search is a plain scan."""
    if conn.dialect.name == "sqlite":
        try:
            for statement in _SQLITE:
                conn.exec_driver_sql(statement)
        except DBAPIError as error:
            if "fts5" in str(error) or "tokenizer" in str(error):
                return False
            raise
        return True
    try:
        with conn.begin_nested():
            conn.execute(text("CREATE EXTENSION IF NOT EXISTS pg_trgm"))
    except DBAPIError:
        return False
    conn.execute(text("CREATE INDEX ix_lead_search ON lead USING gin (search_text gin_trgm_ops)"))
    return True
