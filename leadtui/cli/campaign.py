"""`leadtui campaign`: messages to many leads (contract "campaign")."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from leadtui.cli import complete, tree
from leadtui.cli.context import ask, confirm, confirm_many, note, office, on_terminal, warn
from leadtui.cli.lead_find import pointed_at
from leadtui.cli.output import emit, emit_partly
from leadtui.cli.template import text_of
from leadtui.errors import UsageError

if TYPE_CHECKING:
    from leadtui.domain.campaigns import CampaignDone
    from leadtui.services.messages import Resolved

app = tree.noun("Messages to many leads: written, rehearsed, started with their count, watched")

Which = Annotated[str, typer.Argument(metavar="CAMPAIGN", help="its id or name", autocompletion=complete.campaigns)]
DryRun = Annotated[bool, typer.Option("--dry-run", help="say what would happen, change nothing")]
Yes = Annotated[bool, typer.Option("--yes", help="do not ask")]

Template = Annotated[
    str | None, typer.Option(metavar="TEXT|NAME", help="the text, such as 'Hi {name|there}', or a kept template's name")
]
TemplateFile = Annotated[Path | None, typer.Option(metavar="FILE", help="the text from a file, - for standard input")]
Channel = Annotated[str | None, typer.Option(metavar="NAME", help="file, manual, whatsapp_web, whatsapp_cloud, sms …")]
Where = Annotated[
    str | None,
    typer.Option(metavar="FILTER", help="the leads it goes to; all active ones", autocompletion=complete.filter_terms),
]
Criteria = Annotated[str | None, typer.Option(metavar="JSON", help='the same as JSON: {"priority": "high"}')]
File = Annotated[str | None, typer.Option(metavar="FILE", help="a file that goes along")]
PerMinute = Annotated[int | None, typer.Option(metavar="N", help="at most so many a minute; 60")]
Retries = Annotated[int | None, typer.Option(metavar="N", help="how often a failure is tried again; 3")]
NoRetry = Annotated[bool | None, typer.Option("--no-retry", help="never try again by itself")]
At = Annotated[str | None, typer.Option(metavar="WHEN", help="starts by itself: 'fri 9:00', +2h")]
Out = Annotated[str | None, typer.Option(metavar="FILE", help="where the channel file writes")]
Description = Annotated[str | None, typer.Option(metavar="TEXT", help="what it is for")]
Subject = Annotated[str | None, typer.Option(metavar="TEXT", help="the subject, for email")]
Quiet = Annotated[str | None, typer.Option(metavar="21:00-08:00", help="when nobody is disturbed; never, or office")]
Daily = Annotated[str | None, typer.Option(metavar="N", help="at most so many leads a day")]
SkipMissing = Annotated[
    bool | None, typer.Option("--skip-missing", help="leave out leads that lack a value the text needs")
]


@app.command("create")
def create(
    name: Annotated[str, typer.Option(metavar="NAME", help="what it is called")],
    template: Template = None,
    template_file: TemplateFile = None,
    channel: Channel = None,
    where: Where = None,
    criteria: Criteria = None,
    attachment: File = None,
    per_minute: PerMinute = None,
    retries: Retries = None,
    no_retry: NoRetry = None,
    at: At = None,
    out: Out = None,
    description: Description = None,
    subject: Subject = None,
    quiet_hours: Quiet = None,
    daily: Daily = None,
    skip_missing: SkipMissing = None,
    dry_run: DryRun = False,
) -> None:
    """Write a campaign: a draft, or with --at a scheduled one."""
    from leadtui.services import campaigns

    if template is None and template_file is None:
        raise UsageError("a campaign needs a text", field="template", hint="--template TEXT or --template-file FILE")
    given = _given(locals(), text_of(template, template_file, field="template"))
    with office() as opened, pointed_at(where):
        _print(
            campaigns.create(opened, _kept(opened, given), dry_run=dry_run),
            "would be written" if dry_run else "written",
        )


@app.command("edit")
def edit(
    campaign: Which,
    name: Annotated[str | None, typer.Option(metavar="NAME", help="what it is called")] = None,
    template: Template = None,
    template_file: TemplateFile = None,
    channel: Channel = None,
    where: Where = None,
    criteria: Criteria = None,
    attachment: File = None,
    per_minute: PerMinute = None,
    retries: Retries = None,
    no_retry: Annotated[bool | None, typer.Option("--no-retry/--retry", help="never try again by itself")] = None,
    at: At = None,
    out: Out = None,
    description: Description = None,
    subject: Subject = None,
    quiet_hours: Quiet = None,
    daily: Daily = None,
    skip_missing: Annotated[
        bool | None, typer.Option("--skip-missing/--no-skip-missing", help="leave out leads that lack a value")
    ] = None,
    version: Annotated[int | None, typer.Option(metavar="N", help="only if it is still this version")] = None,
) -> None:
    """Change a draft or a scheduled campaign; "" takes a value back to its default."""
    from leadtui.services import campaigns

    given = _given(locals(), text_of(template, template_file, field="template"))
    if not given:
        raise UsageError("nothing to change", field="name", hint="see: leadtui campaign edit --help")
    with office() as opened, pointed_at(where):
        _print(campaigns.edit(opened, campaign, _kept(opened, given), version=version), "changed")


def _given(options: dict[str, Any], text: str | None) -> dict[str, Any]:
    """What was named on the command line, by the keys of a campaign."""
    from leadtui.services.campaigns import KEYS

    given = {key: options[key] for key in KEYS if options.get(key) is not None and key != "template"}
    return given if text is None else given | {"template": text}


def _kept(opened: Any, given: dict[str, Any]) -> dict[str, Any]:
    """A text that is exactly the name of a kept template means that template; of a retired one, it is refused."""
    from leadtui.services import templates

    text = given.get("template")
    if (
        text is not None
        and len(text) <= 100
        and any(one.name == text.strip() for one in templates.list_all(opened, retired=True))
    ):
        return {key: value for key, value in given.items() if key != "template"} | {"template_name": text.strip()}
    return given


@app.command("list")
def list_(
    status: Annotated[str | None, typer.Option(metavar="STATUS,…", help="draft, scheduled, active, paused …")] = None,
    words: Annotated[str, typer.Option("--search", metavar="WORDS", help="in name or channel")] = "",
    limit: Annotated[int | None, typer.Option(metavar="N", min=1, max=1_000_000, help="so many; else all")] = None,
    page: Annotated[int, typer.Option(metavar="N", min=1, max=100_000_000, help="which page, with --limit")] = 1,
) -> None:
    """List campaigns, newest first."""
    from leadtui.cli.render import View
    from leadtui.cli.render_campaigns import campaigns_text
    from leadtui.services import campaigns

    offset = (page - 1) * limit if limit else 0
    with office() as opened:
        total, rows = campaigns.list_all(opened, status=status, words=words, limit=limit, offset=offset)
        view = View.of(opened)
    emit({"total": total, "campaigns": [one.as_json() for one in rows]}, lambda: campaigns_text(rows, view))


@app.command("show")
def show(campaign: Which) -> None:
    """Show a campaign with its counts and rates."""
    from leadtui.cli.render import View
    from leadtui.cli.render_campaigns import campaign_text
    from leadtui.services import campaigns

    with office() as opened:
        row, view = campaigns.get(opened, campaign), View.of(opened)
    emit(row.as_json(), lambda: campaign_text(row, view))


@app.command("preview")
def preview(campaign: Which, skip_missing: SkipMissing = None) -> None:
    """Rehearse it: who, when, who is left out and why, real texts, cost. Changes nothing."""
    from leadtui.cli.render import View
    from leadtui.cli.render_campaigns import rehearsal_text
    from leadtui.domain.money import to_json
    from leadtui.services import rehearsal

    with office() as opened:
        told, view = rehearsal.rehearse(opened, campaign, skip_missing=bool(skip_missing)), View.of(opened)
    cost = {"cost": to_json(told.cost_minor, view.currency)}
    emit(told.as_json() | cost, lambda: rehearsal_text(told, view))


@app.command("test")
def to_oneself(
    campaign: Which,
    to: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="your own phone or email; the one you have here")
    ] = None,
    lead: Annotated[str | None, typer.Option(metavar="REF", help="as this lead would get it; the first one")] = None,
) -> None:
    """Send its text to yourself, marked TEST; it is not counted."""
    from leadtui.services import campaigns

    with office() as opened:
        row = campaigns.test(opened, campaign, to, lead)
    emit(row.as_json(), lambda: f"{row.state}: a test to {row.address}" + (f"  {row.error}" if row.error else ""))


@app.command("schedule")
def schedule(
    campaign: Which,
    at: Annotated[str, typer.Option(metavar="WHEN", help="'fri 9:00', +2h, 2026-11-27 14:00")],
    version: Annotated[int | None, typer.Option(metavar="N", help="only if it is still this version")] = None,
) -> None:
    """Let it start by itself at a time."""
    from leadtui.services import campaigns

    with office() as opened:
        _print(campaigns.schedule(opened, campaign, at, version=version), "scheduled")


@app.command("unschedule")
def unschedule(campaign: Which) -> None:
    """Take its time away: it is a draft again."""
    from leadtui.services import campaigns

    with office() as opened:
        _print(campaigns.unschedule(opened, campaign), "a draft again")


@app.command("start")
def start(
    campaign: Which,
    count: Annotated[
        int | None, typer.Option("--confirm", metavar="COUNT", help="the number of leads it goes to")
    ] = None,
    yes: Yes = False,
    skip_missing: SkipMissing = None,
    dry_run: DryRun = False,
) -> None:
    """Start it now; the number of leads is asked for, or named with --confirm."""
    from leadtui.services import campaigns, rehearsal

    skip = bool(skip_missing)
    with office() as opened:
        goes_on = campaigns.get(opened, campaign).can_resume
        if not (yes or dry_run or goes_on) and count is None:
            to_send = rehearsal.rehearse(opened, campaign, skip_missing=skip).to_send
            if on_terminal():
                typed = ask(f"It goes to {to_send:,} leads. Type {to_send} to start it:").replace(",", "")
                if typed != str(to_send):
                    raise UsageError("not confirmed; nothing was started", field="confirm", code="not_confirmed")
            else:
                confirm_many(to_send, yes=False, what="write to")
            count = to_send
        done = campaigns.start(opened, campaign, confirm=count, skip_missing=skip, dry_run=dry_run)
        if dry_run and not goes_on:
            note(f"it would go to {rehearsal.rehearse(opened, campaign, skip_missing=skip).to_send:,} leads")
        _print(done, "would be started" if dry_run else "started")


@app.command("pause")
def pause(campaign: Which, reason: Annotated[str | None, typer.Option(metavar="TEXT", help="why")] = None) -> None:
    """Let it stand still: nothing more is begun."""
    from leadtui.services import campaigns

    with office() as opened:
        _print(campaigns.pause(opened, campaign, reason), "paused")


@app.command("resume")
def resume(campaign: Which) -> None:
    """Go on where it stood still."""
    from leadtui.services import campaigns

    with office() as opened:
        _print(campaigns.resume(opened, campaign), "goes on")


@app.command("cancel")
def cancel(campaign: Which, yes: Yes = False, dry_run: DryRun = False) -> None:
    """Call it off for good; what was sent stays as it is."""
    from leadtui.services import campaigns

    with office() as opened:
        confirm("What waits will never be sent. Call it off?", yes=yes or dry_run)
        _print(campaigns.cancel(opened, campaign, dry_run=dry_run), "would be called off" if dry_run else "called off")


@app.command("copy")
def copy(
    campaign: Which, name: Annotated[str | None, typer.Option(metavar="NAME", help="what the copy is called")] = None
) -> None:
    """A new draft like it."""
    from leadtui.services import campaigns

    with office() as opened:
        _print(campaigns.copy(opened, campaign, name), "copied")


@app.command("delete")
def delete(campaign: Which, yes: Yes = False, dry_run: DryRun = False) -> None:
    """Put it away; what was sent stays with the leads."""
    from leadtui.services import campaigns

    with office() as opened:
        confirm("Put this campaign away?", yes=yes or dry_run)
        _print(campaigns.delete(opened, campaign, dry_run=dry_run), "would be put away" if dry_run else "put away")


@app.command("recipients")
def recipients(
    campaign: Which,
    state: Annotated[
        str | None, typer.Option(metavar="STATE", help="waiting, sent, delivered, read, failed, unknown, skipped …")
    ] = None,
    words: Annotated[str, typer.Option("--search", metavar="WORDS", help="in number, name or address")] = "",
    limit: Annotated[int | None, typer.Option(metavar="N", min=1, max=1_000_000, help="so many; else all")] = None,
    page: Annotated[int, typer.Option(metavar="N", min=1, max=100_000_000, help="which page, with --limit")] = 1,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="write them as CSV instead")] = None,
) -> None:
    """List its leads, how their messages stand, and why some get none."""
    from leadtui.cli.render import View
    from leadtui.cli.render_campaigns import recipients_text
    from leadtui.services import campaigns

    with office() as opened:
        if out is not None:
            written = campaigns.recipients_file(opened, campaign, out, state=state)
            emit({"written": written, "out": str(out)}, f"{written:,} recipients written to {out}")
            return
        offset = (page - 1) * limit if limit else 0
        total, rows = campaigns.recipients(opened, campaign, state=state, words=words, limit=limit, offset=offset)
        view = View.of(opened)
    emit({"total": total, "recipients": [one.as_json() for one in rows]}, lambda: recipients_text(rows, view))
    if limit and total > len(rows):
        note(f"{offset + 1:,}–{offset + len(rows):,} of {total:,}")


Ids = Annotated[
    list[int] | None, typer.Argument(metavar="[MESSAGE]...", help="only these, by message_id of recipients")
]


@app.command("retry")
def retry(campaign: Which, ids: Ids = None, dry_run: DryRun = False) -> None:
    """Send failures again: all that trying again may mend, or those named."""
    from leadtui.services import campaigns

    with office() as opened:
        done = campaigns.retry_failed(opened, campaign, ids or None, dry_run=dry_run)
        _settled(done, "would be tried again" if dry_run else "will be tried again", dry_run=dry_run)


@app.command("resolve")
def resolve(
    campaign: Which,
    ids: Ids = None,
    went: Annotated[bool | None, typer.Option("--went/--not-sent", help="they were sent, or they were not")] = None,
    reason: Annotated[str | None, typer.Option("--note", metavar="TEXT", help="how that is known")] = None,
    dry_run: DryRun = False,
) -> None:
    """Say of messages of which nobody knows (all, or those named) whether they went."""
    from leadtui.services import campaigns

    if went is None:
        raise UsageError("did they go?", field="went", hint="--went or --not-sent")
    with office() as opened:
        done = campaigns.resolve(opened, campaign, ids or None, went, note=reason, dry_run=dry_run)
        _settled(done, "would be settled" if dry_run else "settled", dry_run=dry_run)


def _settled(done: Resolved, verb: str, *, dry_run: bool) -> None:
    refused = [{"message_id": one, "error": why} for one, why in done.refused]
    lines = [f"{done.count:,} {verb}", *(f"{one['message_id']}: {one['error']}" for one in refused)]
    document = {"count": done.count, "refused": refused} | ({"dry_run": True} if dry_run else {})
    emit_partly(document, "\n".join(lines), len(refused), done.count + len(refused))


def _print(done: CampaignDone, verb: str) -> None:
    from leadtui.cli.render_campaigns import campaign_line

    for sentence in done.warnings:
        warn(sentence)
    document = done.campaign.as_json() | {"batch": done.batch}
    if done.dry_run:
        document |= {"dry_run": True}
    emit(document, f"{verb}: {campaign_line(done.campaign)}")
