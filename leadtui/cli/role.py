"""`leadtui role`: the permission matrix, role × action → with which leads."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from leadtui.cli import complete, tree
from leadtui.cli.context import office
from leadtui.cli.output import emit, table, words

app = tree.noun("What each role may do, and with which leads")

Role = Annotated[str, typer.Argument(metavar="ROLE", help="its key or name", autocompletion=complete.roles)]
_SIGNS = {"all": "A", "branch": "B", "team": "T", "own": "O", "none": "–"}


def _scope(grant: Any) -> str:
    """The scope of a grant, however the service writes it."""
    return str(grant.get("scope")) if isinstance(grant, dict) else str(grant)


def _grants(role: dict[str, Any]) -> dict[str, Any]:
    found = role.get("permissions", role.get("grants", {}))
    return found if isinstance(found, dict) else {}


@app.command("list")
def list_() -> None:
    """List roles with what they may do: A all, B branch, T team, O own, – none."""
    from leadtui.domain.permissions import ACTIONS
    from leadtui.services import admin

    with office() as opened:
        found = admin.roles(opened)

    def text() -> str:
        rows = [
            [role.get("key"), *(_SIGNS.get(_scope(_grants(role).get(action, "none")), "?") for action in ACTIONS)]
            for role in found
        ]
        return table(["role", *ACTIONS], rows)

    emit({"total": len(found), "roles": found}, text)


def _text(role: dict[str, Any]) -> str:
    from leadtui.domain.permissions import ACTIONS

    rows = []
    for action in ACTIONS:
        grant = _grants(role).get(action, "none")
        stages = grant.get("stages") if isinstance(grant, dict) else None
        rows.append((action, _scope(grant), f"only from or to {words(stages)}" if stages else ""))
    hidden = role.get("hidden_fields")
    lines = [f"{role.get('key')}  {role.get('name')}", table(("action", "scope", ""), rows)]
    return "\n".join(lines + ([f"does not see: {words(hidden)}"] if hidden else []))


@app.command("show")
def show(role: Role) -> None:
    """Show what a role may do, and with which leads."""
    from leadtui.services import admin

    with office() as opened:
        found = admin.role(opened, role)
    emit(found, lambda: _text(found))


@app.command("set")
def set_(
    role: Role,
    action: Annotated[str, typer.Argument(metavar="ACTION", help="such as edit", autocompletion=complete.actions)],
    scope: Annotated[
        str,
        typer.Argument(metavar="SCOPE", help="all, branch, team, own or none", autocompletion=complete.scopes),
    ],
) -> None:
    """Change one cell of the matrix."""
    from leadtui.services import admin

    with office() as opened:
        found = admin.set_role(opened, role, action, scope)
    emit(found, lambda: _text(found))
