"""`lead reach` and `lead event`: the best channels to a lead, and what it did elsewhere."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from leadtui.cli import complete
from leadtui.cli.context import office
from leadtui.cli.lead_find import Ref
from leadtui.cli.lead_many import DryRun
from leadtui.cli.output import emit, table
from leadtui.errors import UsageError


def reach(
    ref: Ref,
    template: Annotated[
        str, typer.Option(metavar="NAME", help="what is said; NAME/sms is for that channel where it is kept",
                          autocompletion=complete.templates)
    ],
    channels: Annotated[int | None, typer.Option(metavar="N", min=1, max=5, help="so many, one after another")] = None,
    delay: Annotated[str | None, typer.Option(metavar="24h", help="so long between them")] = None,
    dry_run: DryRun = False,
) -> None:  # fmt: skip
    """Reach a lead by the channels it answers on, one after another until it answers; calls become tasks."""
    from leadtui.cli.render import View
    from leadtui.services import orchestration

    with office() as opened:
        view, batch = View.of(opened), None
        if dry_run:
            found = orchestration.plan(opened, ref, template=template, channels=channels, delay=delay)
        else:
            found, batch = orchestration.reach(opened, ref, template=template, channels=channels, delay=delay)
    rows = [
        (str(one.priority), one.by or one.channel, view.local(one.at), one.kind,
         f"{one.responded} of {one.sent} answered" if one.sent else "", one.reason or "")
        for one in found.steps
    ]  # fmt: skip
    emit(
        found.as_json() | {"batch": batch, "dry_run": dry_run},
        lambda: (
            table(("", "channel", "when", "as", "so far", ""), rows)
            + "".join(f"\nnot by {channel}: {why}" for channel, why in found.left_out)
        ),
    )


def event(
    ref: Ref,
    name: Annotated[
        str, typer.Argument(metavar="EVENT", help="property_view, email_open, website_visit, search_performed …",
                            autocompletion=complete.behaviors)
    ],
    meta: Annotated[
        list[str] | None, typer.Option("--meta", metavar="KEY=VALUE", help="what it was about; again for more")
    ] = None,
    at: Annotated[str | None, typer.Option(metavar="WHEN", help="when it happened, now when left out")] = None,
    external_ref: Annotated[
        str | None, typer.Option("--ref", metavar="ID", help="its id elsewhere: told twice, it counts once")
    ] = None,
) -> None:  # fmt: skip
    """Note what a lead did elsewhere: it is counted, and the rules about it are looked at by the worker."""
    from leadtui.domain.dates import parse_when
    from leadtui.services import behavior

    with office() as opened:
        when = None
        if at is not None:
            from leadtui import clock

            when = parse_when(at, tz=opened.tz, now=clock.now(), field="at").at
        done = behavior.record(opened, ref, name, _metadata(meta), external_ref=external_ref, at=when)
    words = "noted" if done.is_new else "known already, not counted again"
    emit(done.as_json(), f"{done.lead_number}: {done.event} {words}")


def _metadata(pairs: list[str] | None) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for one in pairs or ():
        key, equals, value = one.partition("=")
        if not equals or not key.strip():
            raise UsageError(f"'{one[:60]}' is not KEY=VALUE", field="meta", hint="such as --meta property=B12")
        found[key.strip()] = value
    return found


def register(app: typer.Typer) -> None:
    """Put the verbs on `lead`."""
    for verb in (reach, event):
        app.command(verb.__name__)(verb)
