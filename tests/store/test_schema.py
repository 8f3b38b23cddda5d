"""The schema: its Core image is fresh, migrations make just these tables, old and newer databases are handled."""

from __future__ import annotations

import importlib.util
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlmodel import SQLModel

from leadtui.errors import DatabaseUnreachable, Refused
from leadtui.services import leads
from leadtui.services.office import Office, create_office, open_office
from leadtui.store import migrate, tables
from leadtui.store.migrations import HEAD
from leadtui.store.unit_of_work import Store

ROOT = Path(__file__).resolve().parents[2]


def test_the_core_image_of_the_tables_is_fresh() -> None:
    spec = importlib.util.spec_from_file_location("gen_schema", ROOT / "scripts" / "gen_schema.py")
    assert spec is not None
    assert spec.loader is not None
    generator = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generator)
    written = (ROOT / "leadtui" / "store" / "schema.py").read_text(encoding="utf-8")
    formatted = subprocess.run(
        [
            sys.executable,
            "-m",
            "ruff",
            "format",
            "-",
            "--stdin-filename",
            "schema.py",
            "--config",
            ROOT / "pyproject.toml",
        ],
        input=generator.generate(),
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert written == formatted, "run: python scripts/gen_schema.py && ruff format leadtui/store/schema.py"


def test_migrations_make_exactly_the_tables(office: Office) -> None:
    assert tables.Lead.metadata is SQLModel.metadata
    with office.store.engine.connect() as conn:
        context = MigrationContext.configure(conn, opts={"compare_type": False})
        found = compare_metadata(context, SQLModel.metadata)
    made_for_search = ("lead_search", "ix_customer_trigrams")  # what only one of the databases can have
    differences = [d for d in found if not any(name in str(d) for name in made_for_search)]
    assert differences == []


def test_head_is_the_newest_script() -> None:
    assert ScriptDirectory(str(ROOT / "leadtui" / "store" / "migrations")).get_current_head() == HEAD


def test_a_newer_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "new.db"
    create_office(str(path), preset="isp").close()
    with sqlite3.connect(path) as conn:
        conn.execute("UPDATE alembic_version SET version_num = '9999'")
    conn.close()
    with pytest.raises(Refused) as refused:
        open_office(str(path))
    assert refused.value.code == "newer_database"
    assert "newer leadtui" in refused.value.message


def test_an_older_database_is_copied_before_it_is_upgraded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "old.db"
    office = create_office(str(path), preset="isp")
    leads.create(office, {"phone": "0722000111", "source": "Website"})
    office.close()
    with sqlite3.connect(path) as conn:
        conn.execute("UPDATE alembic_version SET version_num = '0000'")
    conn.close()
    ran: list[str] = []
    monkeypatch.setattr(migrate, "_run", lambda conn: ran.append(conn.dialect.name))
    backup = migrate.upgrade(Store(str(path)))
    assert ran == ["sqlite"]
    assert backup is not None
    with sqlite3.connect(backup) as conn:
        assert conn.execute("SELECT count(*) FROM lead").fetchone() == (1,)
    conn.close()


def test_what_is_no_database_is_said_plainly(tmp_path: Path) -> None:
    with pytest.raises(DatabaseUnreachable) as missing:
        open_office(str(tmp_path / "nothing.db"))
    assert missing.value.code == "no_database"
    assert not (tmp_path / "nothing.db").exists()
    (tmp_path / "text.db").write_text("this is not a database, it is a letter to a friend" * 50)
    with pytest.raises(DatabaseUnreachable):
        open_office(str(tmp_path / "text.db"))
    with pytest.raises((DatabaseUnreachable, Refused)):
        create_office(str(tmp_path / "text.db"))


def test_init_refuses_an_existing_office(tmp_path: Path) -> None:
    create_office(str(tmp_path / "a.db"), preset="isp").close()
    with pytest.raises(Refused):
        create_office(str(tmp_path / "a.db"), preset="travel")


def test_a_sound_database_checks_clean(office: Office) -> None:
    leads.create(office, {"phone": "0722000111", "source": "Website"})
    assert migrate.check(office.store) == []


def test_a_database_that_vanished_is_not_made_anew(tmp_path: Path) -> None:
    path = tmp_path / "gone.db"
    office = create_office(str(path), preset="isp")
    office.store.engine.dispose()
    for file in tmp_path.glob("gone.db*"):
        if file.is_file():
            file.unlink()
    with pytest.raises(DatabaseUnreachable) as gone:
        leads.search(office)
    assert gone.value.code == "no_database"
    assert not path.exists()


def test_a_file_of_another_program_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "theirs.db"
    with sqlite3.connect(path) as conn:
        conn.execute("CREATE TABLE theirs (x)")
    conn.close()
    before = path.read_bytes()
    with pytest.raises(DatabaseUnreachable):
        open_office(str(path))
    assert path.read_bytes() == before


def test_readers_and_writers_work_side_by_side(tmp_path: Path) -> None:
    path = tmp_path / "new.db"
    create_office(str(path), preset="isp").close()
    with sqlite3.connect(path) as conn:
        conn.execute("PRAGMA journal_mode=DELETE")
    conn.close()
    open_office(str(path)).close()
    with sqlite3.connect(path) as conn:
        (mode,) = conn.execute("PRAGMA journal_mode").fetchone()
    conn.close()
    assert mode == "wal"
