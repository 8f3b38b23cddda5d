"""Settings: order of sources, errors that name file, line and key, and writing that keeps comments."""

from __future__ import annotations

import logging
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from leadtui import config
from leadtui.errors import Invalid, UsageError


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "config.toml"
    monkeypatch.setenv("LEADTUI_CONFIG", str(path))
    for _, _, variable, _ in config.KEYS.values():
        if variable:
            monkeypatch.delenv(variable, raising=False)
    return path


def test_nothing_set(file: Path) -> None:
    assert config.load_settings() == config.Settings()
    assert config.config_path() == file


def test_file_and_environment(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text(
        'db = "a.db"\nslow = true\nmouse = false\n[channels.file]\npath = "out.jsonl"\n[secrets]\nkey_file = "k"\n'
        '[keys]\n"leads.convert" = "K"\nlist.down = ["down", "n"]\n',
        encoding="utf-8-sig",
    )
    settings = config.load_settings()
    assert settings.db == "a.db"
    assert settings.slow
    assert not settings.mouse
    assert settings.channels_file_path == "out.jsonl"
    assert settings.secrets_key_file == "k"
    assert settings.keys == {"leads.convert": "K", "list.down": "down,n"}
    assert settings.file == file
    monkeypatch.setenv("LEADTUI_DB", "b.db")
    monkeypatch.setenv("LEADTUI_SLOW", "off")
    settings = config.load_settings()
    assert (settings.db, settings.slow) == ("b.db", False)


@pytest.mark.parametrize(
    ("text", "kind", "words"),
    [
        ("slow = 3", Invalid, ["line 1", "slow", "true or false"]),
        ("# a\n\nthemes = 'x'", UsageError, ["line 3", "themes"]),
        ("[channels.fax]\npath = 1", UsageError, ["channels.fax"]),
        ("[keys]\n'leads.log' = 7", Invalid, ["line 2", "keys.leads.log"]),
        ("a = = 1", UsageError, ["line 1"]),
    ],
)
def test_errors_name_file_line_and_key(file: Path, text: str, kind: type[Exception], words: list[str]) -> None:
    file.write_text(text)
    with pytest.raises(kind) as caught:
        config.load_settings()
    for word in [str(file), *words]:
        assert word in str(caught.value)


def test_an_unknown_key_is_answered_with_a_suggestion(file: Path) -> None:
    file.write_text("theem = 'x'")
    with pytest.raises(UsageError) as caught:
        config.load_settings()
    assert caught.value.hint == "did you mean theme?"


def test_a_wrong_variable_is_named(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEADTUI_SLOW", "perhaps")
    with pytest.raises(Invalid, match="LEADTUI_SLOW"):
        config.load_settings()


def test_writing_keeps_comments(file: Path) -> None:
    file.write_text('# mine\ndb = "a.db"  # here\n')
    config.set_value("slow", "yes")
    config.set_value("channels.file.path", "o.jsonl")
    config.set_value("keys.leads.convert", "K")
    config.set_value("db", "c.db")
    text = file.read_text()
    assert "# mine" in text
    assert "# here" in text
    settings = config.load_settings()
    assert (settings.db, settings.slow, settings.channels_file_path) == ("c.db", True, "o.jsonl")
    assert settings.keys == {"leads.convert": "K"}
    config.set_value("slow", "")
    assert not config.load_settings().slow


def test_writing_refuses_what_cannot_be_read_again(file: Path) -> None:
    with pytest.raises(UsageError):
        config.set_value("slwo", "1")
    with pytest.raises(Invalid):
        config.set_value("slow", "maybe")
    with pytest.raises(UsageError):
        config.set_value("keys.leads.convert", "ctrl+nonsense")
    assert not file.exists()


def test_the_log_holds_no_locals_and_is_private(tmp_path: Path) -> None:
    path = tmp_path / "state" / "log"
    config.setup_logging(config.Settings(log_file=str(path)))
    password = "hunter2"
    try:
        raise ValueError(f"first line\nsecond {password}")
    except ValueError:
        logging.getLogger("leadtui.test").exception("failed")
    text = path.read_text()
    assert "first line" in text
    assert "test_config.py" in text
    assert "hunter2" not in text
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    config.setup_logging(config.Settings(log_file=str(tmp_path / "log2")))


def test_a_log_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("")
    config.setup_logging(config.Settings(log_file=str(tmp_path / "f" / "log")))
    logging.getLogger("leadtui.test").info("quiet")


def test_config_is_cheap() -> None:
    code = (
        "import sys, leadtui.config as c; c.load_settings();"
        "print([m for m in ('tomlkit', 'textual', 'rich', 'logging.handlers') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done
