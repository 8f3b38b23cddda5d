"""Every command is documented: a sentence, one line per option; the reference in docs/ is fresh."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from leadtui.cli.helping import help_text
from leadtui.cli.tree import NOUNS, root

from .conftest import Office

CONTRACT: dict[str, str] = {
    "lead": "add list show edit status assign bulk log lose reopen delete restore purge protect unprotect tag untag "
            "attach interest",
    "package": "add list edit retire", "source": "add list edit retire", "status": "add list edit retire",
    "pipeline": "add list edit retire", "tag": "add list edit retire", "branch": "add list edit retire",
    "person": "add list edit retire", "user": "add list edit disable enable", "role": "list show set",
    "undo": "list", "audit": "list", "db": "upgrade status check", "config": "show set path",
}  # fmt: skip


def commands(node: Any = None, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command of the program with its path."""
    node = node or root()
    yield path, node
    if hasattr(node, "list_commands"):
        for name in node.list_commands(None):
            yield from commands(node.get_command(None, name), (*path, name))


EVERY = list(commands())


@pytest.mark.parametrize(("path", "command"), EVERY, ids=[" ".join(path) or "leadtui" for path, _ in EVERY])
def test_every_command_has_help_with_one_line_per_option(path: tuple[str, ...], command: Any) -> None:
    text = help_text(command, " ".join(["leadtui", *path]))
    lines = text.splitlines()
    assert (command.help or "").strip()
    for param in command.params:
        assert param.help, f"{path}: {param.name} has no help"
        names = [*param.opts, *param.secondary_opts] if param.param_type_name == "option" else []
        for name in names[:1]:
            found = [line for line in lines if line.strip().startswith((f"{name} ", f"{name}|"))]
            assert len(found) == 1, f"{path} {name}"
            assert len(found[0].split()) > 1
    for name in ("--db", "--as", "--json", "--help"):
        assert any(line.strip().startswith(name) for line in lines)
    assert max(len(line) for line in lines) <= 110


def test_the_nouns_and_verbs_of_the_contract_are_there() -> None:
    for noun, verbs in CONTRACT.items():
        there = root().get_command(None, noun).list_commands(None)
        assert set(verbs.split()) <= set(there), noun
    assert {"init", "tui"} <= set(NOUNS)


@pytest.mark.parametrize("argv", [("--help",), ("lead", "--help"), ("lead", "add", "--help"), ("lead", "list", "-h")])
def test_help_is_asked_for_in_the_usual_ways(nowhere: Office, argv: tuple[str, ...]) -> None:
    found = nowhere(*argv)
    assert found.code == 0
    assert found.out.startswith("Usage: leadtui")
    assert found.err == ""
    assert nowhere.json(*argv)["help"] + "\n" == found.out


def test_a_noun_alone_tells_its_verbs(nowhere: Office) -> None:
    found = nowhere("lead")
    assert (found.code, found.out) == (2, "")
    assert "Verbs:" in found.err
    assert nowhere.fails("lead", code=2)["code"] == "missing_command"


def test_ways_of_use_are_only_those_there_are(nowhere: Office) -> None:
    assert nowhere("serve", "--help").out.splitlines()[0] == "Usage: leadtui serve [OPTIONS]"
    assert (
        nowhere("undo", "--help").out.splitlines()[0] == "Usage: leadtui undo [BATCH] [OPTIONS]  |  leadtui undo list"
    )


def test_the_reference_is_fresh() -> None:
    from scripts.gen_commands import document

    path = Path(__file__).parents[2] / "docs" / "commands.md"
    assert path.read_text(encoding="utf-8") == document(), "run: python scripts/gen_commands.py"
