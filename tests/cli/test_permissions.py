"""Every role × action of spec §AI-c through the command line: on a lead it may, on one it may not."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from .conftest import Office

# Role → action → scope, as the spec's table and answer 6 of the contract say it (written out, not imported).
A, B, O, N = "all", "branch", "own", "none"  # noqa: E741
ACTIONS = ("read", "create", "edit", "status", "log", "assign", "convert", "lose", "delete", "bulk", "config", "users")
MATRIX = {
    "principal": dict.fromkeys(ACTIONS, A),
    "director": dict.fromkeys(ACTIONS, A) | {"delete": N, "config": N, "users": N},
    "agent": {"read": O, "create": A, "edit": O, "status": O, "log": O, "assign": N, "convert": O, "lose": O,
              "delete": N, "bulk": N, "config": N, "users": N},
    "agent_junior": {"read": O, "create": A, "edit": O, "status": O, "log": O, "assign": N, "convert": N, "lose": O,
                     "delete": N, "bulk": N, "config": N, "users": N},
    "collections": dict.fromkeys(ACTIONS, N) | {"read": A},
    "branch_user": {"read": B, "create": B, "edit": B, "status": B, "log": B, "assign": N, "convert": B, "lose": B,
                    "delete": N, "bulk": N, "config": N, "users": N},
    "technician": dict.fromkeys(ACTIONS, N) | {"read": O, "log": O, "status": O},
    "admin": dict.fromkeys(ACTIONS, N) | {"config": A, "users": A},
}  # fmt: skip
COMMANDS = {
    "read": ["lead", "show", "REF"],
    "create": ["lead", "add", "--phone", "0799000999"],
    "edit": ["lead", "edit", "REF", "--set", "city=Nairobi"],
    "status": ["lead", "status", "REF", "Contacted"],
    "log": ["lead", "log", "REF", "--type", "call", "--subject", "hello"],
    "assign": ["lead", "assign", "REF", "--to", "boss"],
    "convert": ["lead", "convert", "REF"],
    "lose": ["lead", "lose", "REF", "--reason", "too far"],
    "delete": ["lead", "delete", "REF"],
    "bulk": ["lead", "bulk", "REF", "--tag", "vip"],
    "config": ["package", "add", "--name", "Gold"],
    "users": ["user", "add", "--login", "newcomer", "--name", "N", "--role", "technician"],
}
OFFICE_WIDE = {"create", "config", "users"}


@pytest.fixture(scope="module")
def prepared(fresh_database: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, tuple[str, str]]]:
    """A database with a user of every role in the branch North, each with a lead of his own, and one foreign to all."""
    place = Office(tmp_path_factory.mktemp("prepared"))
    shutil.copy(fresh_database, place.db)

    def run(*argv: str) -> str:
        done = place("--db", str(place.db), "--json", *argv)
        assert done.code == 0, done
        return str(done.json.get("number", "")) if isinstance(done.json, dict) else ""

    for branch in ("North", "South"):
        run("branch", "add", "--name", branch)
    foreign = run("lead", "add", "--phone", "0722999999", "--branch", "South", "--assign", "boss")
    refs = {}
    for n, role in enumerate(MATRIX):
        login = role.replace("_", "-")
        run("user", "add", "--login", login, "--name", role, "--role", role, "--branch", "North")
        own = run("lead", "add", "--phone", f"07220000{n:02}", "--branch", "North", "--assign", login,
                  "--status", "Site Survey Scheduled")  # fmt: skip
        refs[role] = (own, foreign)
    return place.db, refs


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("role", MATRIX)
def test_the_matrix(nowhere: Office, prepared: tuple[Path, dict[str, tuple[str, str]]], role: str, action: str) -> None:
    shutil.copy(prepared[0], nowhere.db)
    own, foreign = prepared[1][role]
    scope, may_read = MATRIX[role][action], MATRIX[role]["read"]

    def attempt(ref: str) -> int:
        argv = [ref if word == "REF" else word for word in COMMANDS[action]]
        return nowhere(*argv, "--as", role.replace("_", "-"), "--json").code

    if action in OFFICE_WIDE:
        assert attempt("") == (3 if scope == N else 0)
        return
    # What may not be read is not there at all; what may be read but not acted on is refused.
    on_foreign = 4 if may_read != A else 0 if scope == A else 3
    assert attempt(foreign) == on_foreign
    on_own = 4 if may_read == N else 3 if scope == N else 0
    assert attempt(own) == on_own


def test_acting_as_somebody_needs_the_right(staffed: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("leadtui.services.office.os_account", lambda: "jane-at-home")
    assert staffed.fails("lead", "list", code=3)["code"] == "unknown_user"
    assert staffed.fails("lead", "list", "--as", "boss", code=3)["field"] == "as"
