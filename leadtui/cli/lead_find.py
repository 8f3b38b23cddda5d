"""`lead list` and `lead show`."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from leadtui.cli import complete
from leadtui.cli.context import note, office
from leadtui.cli.output import emit
from leadtui.errors import FilterError

if TYPE_CHECKING:
    from leadtui.services.office import Office

Ref = Annotated[str, typer.Argument(metavar="REF", help="number, id or phone of a lead")]


def filter_text(opened: Office, terms: Iterable[str] | None) -> str | None:
    """Filter arguments as one text, with the quotes that the shell took away; None when there are none."""
    from leadtui.domain.filters import join_arguments
    from leadtui.domain.lead_filters import filter_fields

    words = list(terms or ())
    if not words:
        return None
    return join_arguments(words, fields=filter_fields(frozenset(opened.actor.hidden_fields)))


@contextlib.contextmanager
def pointed_at(text: str | None) -> Iterator[None]:
    """Give a filter error that arises while the filter runs (an unknown status) the text its column points into."""
    try:
        yield
    except FilterError as error:
        error.text = error.text or text or ""
        raise


def list_(
    terms: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[FILTER]...", help="such as status:new assigned:me -tag:vip", autocompletion=complete.filter_terms
        ),
    ] = None,
    sort: Annotated[str, typer.Option(metavar="FIELD", help="order by; -FIELD backwards")] = "-created_at",
    limit: Annotated[int, typer.Option(metavar="N", min=1, max=100_000, help="leads on a page")] = 15,
    page: Annotated[int, typer.Option(metavar="N", min=1, max=100_000_000, help="which page")] = 1,
    columns: Annotated[
        str | None, typer.Option(metavar="A,B,C", help="columns to show", autocompletion=complete.columns)
    ] = None,
) -> None:
    """List leads, newest first."""
    from leadtui.cli import render
    from leadtui.services import leads

    keys = render.column_keys(columns)
    with office() as opened:
        where = filter_text(opened, terms)
        with pointed_at(where):
            found = leads.search(opened, where, sort=sort, limit=limit, offset=(page - 1) * limit)
        view = render.View.of(opened)
    total = found.total or 0
    document = {
        "total": total, "page": page, "limit": limit, "leads": [render.lead_json(lead, view) for lead in found.rows],
    }  # fmt: skip
    if not found.rows:
        emit(document, "no leads" if total == 0 else f"no leads on page {page}; there are {total:,}")
        return
    emit(document, lambda: render.lead_table(found.rows, keys, view))
    first = (page - 1) * limit + 1
    note(f"{first:,}–{first + len(found.rows) - 1:,} of {total:,}")


def show(ref: Ref) -> None:
    """Show everything about a lead."""
    from leadtui.cli import render
    from leadtui.services import leads
    from leadtui.services.serving import can_serve

    with office() as opened:
        found = leads.get(opened, ref)
        view = render.View.of(opened)
        open_door = not (found.row.is_converted or found.row.is_lost or found.row.is_deleted)
        serving = can_serve(opened, found.row.id) if open_door else None
    emit(render.detail_json(found, view, serving), lambda: render.detail_text(found, view, serving))


def register(app: typer.Typer) -> None:
    """Put the verbs on `lead`."""
    app.command("list")(list_)
    app.command("show")(show)
