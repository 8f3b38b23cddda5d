"""`leadtui form`: forms of websites that may send leads, and what came in by them."""

from __future__ import annotations

from typing import Annotated

import typer

from leadtui.cli import came_in, complete, tree
from leadtui.cli.context import office
from leadtui.cli.output import emit

app = tree.noun("Forms of websites, each with a public key, and what came in by them")


@app.command("add")
def add_form(
    name: Annotated[str, typer.Argument(metavar="NAME", help="a word: website, landing-page")],
    source: Annotated[
        str | None,
        typer.Option("--source", metavar="NAME", help="of its leads; else Website", autocompletion=complete.sources),
    ] = None,
    redirect: Annotated[
        str | None, typer.Option("--redirect", metavar="URL", help="where a plain form goes on to")
    ] = None,
    origin: Annotated[
        list[str] | None, typer.Option("--origin", metavar="URL", help="a website whose scripts may post it")
    ] = None,
) -> None:
    """Make a form and print the address it is posted to."""
    from leadtui.services import forms

    with office() as opened:
        made = forms.add(opened, name, source=source, redirect=redirect, origins=tuple(origin or ()))
    emit(made.as_json(), made.path)


@app.command("list")
def list_forms() -> None:
    """List forms with their addresses."""
    from leadtui.cli.render import records_text
    from leadtui.services import forms

    with office() as opened:
        found = [one.as_json() for one in forms.list_all(opened)]
    emit({"total": len(found), "forms": found}, lambda: records_text(found, ("name", "path", "source", "redirect")))


@app.command("remove")
def remove_form(name: Annotated[str, typer.Argument(metavar="NAME", help="see: leadtui form list")]) -> None:
    """Take a form away: what it sends is not taken any more."""
    from leadtui.services import forms

    with office() as opened:
        gone = forms.remove(opened, name)
    emit(gone.as_json(), f"the form {gone.name} takes nothing any more")


came_in.verbs(app, "form", "forms", list_verb="received")
