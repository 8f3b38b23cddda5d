"""`leadtui lead claim` and `leadtui lead offers`: leads that are offered to several."""

from __future__ import annotations

from typing import Annotated

import typer

from leadtui.cli.context import office
from leadtui.cli.lead_one import answer
from leadtui.cli.output import emit, table
from leadtui.cli.render import View


def claim(ref: Annotated[str, typer.Argument(metavar="REF", help="the lead's number or id; see: lead offers")]) -> None:
    """Take a lead that is offered to you; exit 5 when somebody was faster."""
    from leadtui.services import offers as service

    with office() as opened:
        answer(opened, service.claim(opened, ref))


def offers(
    all_: Annotated[bool, typer.Option("--all", help="also those to others, of leads you may assign")] = False,
) -> None:
    """List the leads that are offered to you, those that end first at the top."""
    from leadtui.services import offers as service

    with office() as opened:
        found = service.list_all(opened) if all_ else service.mine(opened)
        view = View.of(opened)
    rows = [
        (one.lead_number, one.lead_name or "", one.area or "", one.package or "", view.local(one.until),
         ", ".join(one.logins))
        for one in found
    ]  # fmt: skip
    emit(
        {"total": len(found), "offers": [one.as_json() for one in found]},
        lambda: table(("lead", "name", "where", "wants", "until", "offered to"), rows) if rows else "no offers",
    )


def register(app: typer.Typer) -> None:
    """Put the verbs on `lead`."""
    for verb in (claim, offers):
        app.command(verb.__name__)(verb)
