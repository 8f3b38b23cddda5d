"""`leadtui drip`: one step after another for each lead: made, filled with leads, held, stopped."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from leadtui.cli import complete, tree
from leadtui.cli.context import confirm_many, note, office, warn
from leadtui.cli.lead_many import DryRun, Where, Yes
from leadtui.cli.output import emit, emit_partly, pairs, table
from leadtui.errors import Invalid, UsageError

if TYPE_CHECKING:
    from leadtui.cli.render import View
    from leadtui.domain.drips import DripDetail, DripRow, DripStep, EnrollmentRow
    from leadtui.services.office import Office

app = tree.noun("Drips: messages and tasks, one after another, for each lead in them")

Drip = Annotated[str, typer.Argument(metavar="DRIP", help="its key, name or id", autocompletion=complete.drips)]
Leads = Annotated[
    list[str] | None, typer.Argument(metavar="[LEAD]...", help="only these leads in it; the whole drip without")
]
Reason = Annotated[str | None, typer.Option("--reason", metavar="TEXT", help="why")]
Step = Annotated[
    list[str] | None,
    typer.Option("--step", metavar='"48h task: Call {name}"', help="a step as typed; again for each, in their order"),
]
Steps = Annotated[
    str | None, typer.Option("--steps", metavar="FILE", help="a TOML file with [[steps]], or a step on each line")
]
_OPTIONS: dict[str, tuple[str, str]] = {
    "channel": ("NAME", "its messages go by this channel: whatsapp, sms, email, file …"),
    "subject": ("TEXT", "the subject of its mails that have none of their own"),
    "description": ("TEXT", "what it is for"),
    "enroll": ("created|status:NAME", "leads come in by themselves: new ones, or those that get to a status"),
    "enroll_where": ("FILTER", "only those that a filter finds"),
    "quiet_hours": ("21:00-08:00", "nothing is written then; never for none, else the office's"),
    "per_minute": ("N", "not more messages a minute"),
    "out": ("FILE", "where channel file writes"),
}


def _option(key: str) -> Any:
    metavar, words = _OPTIONS[key]
    return typer.Option(f"--{key.replace('_', '-')}", metavar=metavar, help=words)


Channel = Annotated[str | None, _option("channel")]
Subject = Annotated[str | None, _option("subject")]
Description = Annotated[str | None, _option("description")]
Enroll = Annotated[str | None, _option("enroll")]
EnrollWhere = Annotated[str | None, _option("enroll_where")]
Quiet = Annotated[str | None, _option("quiet_hours")]
PerMinute = Annotated[str | None, _option("per_minute")]
Out = Annotated[str | None, _option("out")]


# -- reading -----------------------------------------------------------------------------------------------------------
@app.command("list")
def list_() -> None:
    """List the drips, with how many leads are in each."""
    from leadtui.services import drips

    with office() as opened:
        found = drips.list_all(opened)
    emit(
        {"total": len(found), "drips": [one.as_json() for one in found]},
        lambda: table(
            ("key", "name", "status", "steps", "in it", "paused", "done", "stopped", "enrolls"),
            [
                (one.key, one.name, one.status_word, str(one.step_count), str(one.active), str(one.paused),
                 str(one.completed), str(one.stopped), one.enroll.words)
                for one in found
            ],
        ),
    )  # fmt: skip


@app.command("show")
def show(
    drip: Drip,
    version: Annotated[int | None, typer.Option(metavar="N", min=1, help="as it was in this version")] = None,
) -> None:
    """Show a drip with its steps."""
    from leadtui.services import drips

    with office() as opened:
        found = drips.show(opened, drip, version=version)
    _emit_detail(found)


@app.command("leads")
def leads(
    drip: Annotated[
        str | None, typer.Argument(metavar="[DRIP]", help="its key, name or id; all of them without",
                                   autocompletion=complete.drips)
    ] = None,
    lead: Annotated[str | None, typer.Option(metavar="REF", help="only this lead: the drips it is or was in")] = None,
    state: Annotated[
        str | None, typer.Option(metavar="active|paused|completed|stopped|open", help="only those",
                                 autocompletion=complete.enrollment_states)
    ] = None,
    limit: Annotated[int | None, typer.Option(metavar="N", min=1, max=1_000_000, help="so many; else all")] = None,
    page: Annotated[int, typer.Option(metavar="N", min=1, max=100_000_000, help="which page, with --limit")] = 1,
) -> None:  # fmt: skip
    """List who is or was in a drip, where each stands and why it waits."""
    from leadtui.cli.render import View
    from leadtui.services import drips

    with office() as opened:
        total, found = drips.enrollments(
            opened, drip, lead=lead, state=state, limit=limit, offset=(page - 1) * limit if limit else 0
        )
        view = View.of(opened)
    _emit_enrollments(found, total, view)
    if found and total > len(found):
        note(f"{len(found):,} of {total:,}")


@app.command("preview")
def preview(
    drip: Drip,
    lead: Annotated[str, typer.Option(metavar="REF", help="the lead it is rendered for")],
) -> None:
    """Show each step as a lead would get it, were it enrolled now. Changes nothing."""
    from leadtui.cli.render import View
    from leadtui.domain.dates import iso_z
    from leadtui.services import drips

    with office() as opened:
        found = drips.preview(opened, drip, lead)
        view = View.of(opened)
    rows = [
        {
            "order": one.order, "at": iso_z(one.at), "does": one.step.does, "channel": one.channel,
            "address": one.address, "subject": one.subject, "text": one.text, "missing": list(one.missing),
            "reason": one.reason,
        }
        for one in found
    ]  # fmt: skip
    emit(
        {"total": len(rows), "steps": rows},
        lambda: "\n".join(
            f"{one.order + 1}. {view.local(one.at)}  {one.step.does}"
            + (f" ({one.reason})" if one.reason else "")
            + (f" (missing: {', '.join(one.missing)})" if one.missing else "")
            + "".join(f"\n   {line}" for part in (one.subject, one.text) for line in (part or "").splitlines())
            for one in found
        ),
    )


# -- making ------------------------------------------------------------------------------------------------------------
@app.command("create")
def create(
    name: Annotated[str, typer.Option(metavar="NAME", help="what it is called")],
    step: Step = None,
    steps: Steps = None,
    key: Annotated[str | None, typer.Option(metavar="WORD", help="the word commands name it by")] = None,
    draft: Annotated[bool, typer.Option("--draft", help="nothing runs until it is resumed")] = False,
    channel: Channel = None,
    subject: Subject = None,
    description: Description = None,
    enroll: Enroll = None,
    enroll_where: EnrollWhere = None,
    quiet_hours: Quiet = None,
    per_minute: PerMinute = None,
    out: Out = None,
) -> None:
    """Make a drip and start it."""
    from leadtui.services import drips

    values = _values(
        name=name, key=key, channel=channel, subject=subject, description=description, enroll=enroll,
        enroll_where=enroll_where, quiet_hours=quiet_hours, per_minute=per_minute, out=out,
    )  # fmt: skip
    wanted = _steps(step, steps)
    if wanted is None:
        raise UsageError("a drip needs steps", field="step", code="missing_option", hint="--step or --steps FILE")
    with office() as opened:
        _emit_detail(drips.create(opened, values | ({"draft": "yes"} if draft else {}), wanted))


@app.command("edit")
def edit(
    drip: Drip,
    name: Annotated[str | None, typer.Option(metavar="NAME", help="what it is called")] = None,
    step: Step = None,
    steps: Steps = None,
    version: Annotated[
        int | None, typer.Option(metavar="N", help="refuse if its row_version is another by now")
    ] = None,
    channel: Channel = None,
    subject: Subject = None,
    description: Description = None,
    enroll: Enroll = None,
    enroll_where: EnrollWhere = None,
    quiet_hours: Quiet = None,
    per_minute: PerMinute = None,
    out: Out = None,
) -> None:
    """Change a drip; other steps are for leads enrolled from now on."""
    from leadtui.services import drips

    values = _values(
        name=name, channel=channel, subject=subject, description=description, enroll=enroll,
        enroll_where=enroll_where, quiet_hours=quiet_hours, per_minute=per_minute, out=out,
    )  # fmt: skip
    wanted = _steps(step, steps)
    if not values and wanted is None:
        raise UsageError("nothing to change", field="name", code="missing_option", hint="see --help")
    with office() as opened:
        _emit_detail(drips.edit(opened, drip, values, wanted, version=version))


def _values(**given: str | None) -> dict[str, str]:
    return {key: value for key, value in given.items() if value is not None}


def _steps(typed: list[str] | None, file: str | None) -> tuple[DripStep, ...] | None:
    """The steps as typed, or those of a file; None when there are none of either."""
    from leadtui.domain.drips import parse_step, steps_from_toml

    if typed and file:
        raise UsageError("--step and --steps do not go together", field="steps")
    if typed:
        return tuple(parse_step(one, field=f"steps[{number}]") for number, one in enumerate(typed, 1))
    if file is None:
        return None
    path = Path(file).expanduser()
    try:
        return steps_from_toml(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise Invalid(f"{file} cannot be read: {error}", field="steps") from error


# -- leads in it -------------------------------------------------------------------------------------------------------
@app.command("enroll")
def enroll_(
    drip: Drip,
    refs: Annotated[list[str] | None, typer.Argument(metavar="[LEAD]...", help="numbers, ids or phones")] = None,
    where: Where = None,
    again: Annotated[bool, typer.Option("--again", help="also those that were in it before")] = False,
    dry_run: DryRun = False,
    yes: Yes = False,
) -> None:
    """Put leads into a drip, each once: one batch, which one undo takes back."""
    from leadtui.cli.lead_find import pointed_at
    from leadtui.services import drips

    with office() as opened, pointed_at(where):
        if where is not None and not dry_run and not yes:
            confirm_many(drips.enroll(opened, drip, where=where, again=again, dry_run=True).enrolled, yes=yes,
                         what="enroll")  # fmt: skip
        done = drips.enroll(opened, drip, refs or (), where=where, again=again, dry_run=dry_run)
    for sentence in done.warnings:
        warn(sentence)
    words = "would be enrolled" if dry_run else "enrolled"
    lines = [f"{done.enrolled:,} of {done.matched:,} {words} in {done.drip}"]
    lines += [f"{one['lead_number']}: {one['error']}" for one in done.refused[:20]]
    emit_partly(done.as_json(), lambda: "\n".join(lines), 0 if dry_run else len(done.refused), done.matched)


@app.command("pause")
def pause(drip: Drip, refs: Leads = None, reason: Reason = None) -> None:
    """Hold a drip, or only some leads in it."""
    from leadtui.services import drips

    with office() as opened:
        _emit_changed(opened, drips.pause(opened, drip, leads=refs or (), reason=reason))


@app.command("resume")
def resume(drip: Drip, refs: Leads = None) -> None:
    """Start a draft; go on with a paused or stopped drip, or with leads held in it."""
    from leadtui.services import drips

    with office() as opened:
        _emit_changed(opened, drips.resume(opened, drip, leads=refs or ()))


@app.command("stop")
def stop(drip: Drip, refs: Leads = None, reason: Reason = None, dry_run: DryRun = False, yes: Yes = False) -> None:
    """End a drip for all its leads, or for some; what waits to be sent is called off."""
    from leadtui.services import drips

    with office() as opened:
        if refs:
            if dry_run:
                total = sum(drips.enrollments(opened, drip, lead=one, state="open")[0] for one in refs)
                emit({"drip": drip, "leads": total, "dry_run": True}, f"{total:,} would be stopped")
                return
            _emit_changed(opened, drips.stop(opened, drip, leads=refs, reason=reason))
            return
        if _only_looked(opened, drip, "stop", dry_run=dry_run, yes=yes):
            return
        _emit_changed(opened, drips.stop(opened, drip, reason=reason))


@app.command("delete")
def delete(drip: Drip, dry_run: DryRun = False, yes: Yes = False) -> None:
    """Put a drip away; its leads come out of it, what was sent stays on their timelines."""
    from leadtui.services import drips

    with office() as opened:
        if _only_looked(opened, drip, "delete", dry_run=dry_run, yes=yes):
            return
        done = drips.delete(opened, drip)
    emit(done.as_json(), f"deleted {done.name}")


def _only_looked(opened: Office, drip: str, what: str, *, dry_run: bool, yes: bool) -> bool:
    """Say how many leads would come out of a drip (True), or ask where there are many."""
    from leadtui.services import drips

    row = drips.show(opened, drip).drip
    count = row.active + row.paused
    if dry_run:
        emit({"drip": row.key, "leads": count, "dry_run": True}, f"{count:,} leads would come out of {row.name}")
        return True
    confirm_many(count, yes=yes, what=f"{what} a drip with")
    return False


# -- showing -----------------------------------------------------------------------------------------------------------
def _emit_detail(found: DripDetail) -> None:
    for sentence in found.warnings:
        warn(sentence)
    row = found.drip
    about = pairs(
        (
            ("drip", f"{row.name} ({row.key})"), ("status", row.status_word), ("channel", row.channel),
            ("subject", row.subject), ("enrolls", row.enroll.words), ("version", str(found.version)),
            ("leads", f"{row.active:,} in it, {row.paused:,} paused, {row.completed:,} done, {row.stopped:,} stopped"),
        )
    )  # fmt: skip
    lines = [f"{order}. {one.words}" for order, one in enumerate(found.steps, 1)]
    emit(found.as_json(), lambda: "\n".join((about, *lines)))


def _emit_changed(opened: Office, done: DripRow | tuple[EnrollmentRow, ...]) -> None:
    from leadtui.cli.render import View

    if isinstance(done, tuple):
        _emit_enrollments(done, len(done), View.of(opened))
        return
    emit(done.as_json(), f"{done.name}: {done.status_word}")


def _emit_enrollments(found: tuple[EnrollmentRow, ...], total: int, view: View) -> None:
    emit(
        {"total": total, "enrollments": [one.as_json() for one in found]},
        lambda: table(
            ("lead", "name", "drip", "state", "step", "next", "why"),
            [
                (one.lead_number, one.lead_name or one.phone or "", one.drip_key, one.state,
                 f"{min(one.current_step + 1, one.step_count)}/{one.step_count}",
                 view.local(one.next_run_at) if one.next_run_at and one.state == "active" else "", one.why)
                for one in found
            ],
        ),
    )  # fmt: skip
