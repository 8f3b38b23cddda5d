"""`leadtui message`: one message to one lead; what became of messages, and what only a person can say of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from leadtui.cli import tree
from leadtui.cli.context import note, office
from leadtui.cli.lead_find import Ref
from leadtui.cli.output import emit, emit_partly, pairs, table
from leadtui.errors import UsageError

if TYPE_CHECKING:
    from leadtui.cli.render import View
    from leadtui.services.messages import MessageDetail, MessageRow, Resolved

app = tree.noun("One message to one lead, and what became of messages")

Ids = Annotated[list[int], typer.Argument(metavar="ID...", help="messages by id: message list", min=1)]


@app.command("send")
def send(
    ref: Ref,
    channel: Annotated[str | None, typer.Option(metavar="NAME", help="by what; else the best that is ready")] = None,
    template: Annotated[str | None, typer.Option(metavar="NAME", help="a template, by its name or id")] = None,
    text: Annotated[str | None, typer.Option(metavar="WORDS", help="or own words, {first_name|there} too")] = None,
    subject: Annotated[str | None, typer.Option(metavar="WORDS", help="where the channel has one")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="show how it would read, write nothing")] = False,
) -> None:
    """Queue a message to a lead; it goes before campaigns, and quiet hours do not hold it back."""
    from leadtui.services import writing

    with office() as opened:
        done = writing.write_to(
            opened, ref, channel=channel, template=template, body=text, subject=subject, dry_run=dry_run
        )
    row = done.message
    document: dict[str, Any] = {
        "dry_run": dry_run, "lead_number": done.lead.number, "channel": done.way.channel, "address": done.way.address,
        "subject": done.preview.subject, "text": done.preview.text, "message": row.as_json() if row else None,
    }  # fmt: skip
    if row is None:
        emit(document, f"{done.way.title} to {done.way.address}:\n{done.preview.text}")
        return
    words = {"handed_off": f"open it, then: leadtui message resolve {row.id} --went"}.get(row.state, row.state)
    emit(document, f"message {row.id} to {done.lead.title} by {done.way.title}: {row.link or words}")
    if row.link:
        note(words)


@app.command("list")
def list_(
    lead: Annotated[str | None, typer.Option(metavar="REF", help="to and from this lead")] = None,
    waiting: Annotated[bool, typer.Option("--waiting", help="handed over: did they go?")] = False,
    unknown: Annotated[bool, typer.Option("--unknown", help="nobody knows whether they went")] = False,
    unplaced: Annotated[bool, typer.Option("--unplaced", help="came in from somebody unknown")] = False,
    limit: Annotated[int, typer.Option(metavar="N", min=1, max=100_000, help="so many")] = 50,
    page: Annotated[int, typer.Option(metavar="N", min=1, max=1_000_000, help="which page")] = 1,
) -> None:
    """List messages: of a lead, or those that ask for a person."""
    from leadtui.cli.render import View
    from leadtui.services import messages

    if sum((lead is not None, waiting, unknown, unplaced)) != 1:
        raise UsageError("which messages?", field="lead", hint="--lead REF, --waiting, --unknown or --unplaced")
    offset = (page - 1) * limit
    with office() as opened:
        if lead is not None:
            rows = messages.of_lead(opened, lead, limit=limit, offset=offset)
            total = offset + len(rows) if len(rows) < limit else len(messages.of_lead(opened, lead, limit=None))
        else:
            find = messages.unknown_ones if unknown else messages.unplaced if unplaced else None
            total, rows = (find or messages.waiting_for_confirmation)(opened, limit=limit, offset=offset)
        view = View.of(opened)
    emit({"total": total, "messages": [one.as_json() for one in rows]}, lambda: _lines(rows, view))


def _lines(rows: tuple[MessageRow, ...], view: View) -> str:
    from leadtui.domain.channel_words import channel_word
    from leadtui.domain.message_states import mark

    if not rows:
        return "no messages"
    return table(
        ("id", "when", "lead", "address", "by", "state", "text"),
        [
            (one.id, view.local(one.sending_at or one.created_at), one.lead_name or one.lead_number or "", one.address,
             channel_word(one.channel), mark(one.state)[1], one.body)
            for one in rows
        ],
        right=(0,), whole=(0,),
    )  # fmt: skip


@app.command("show")
def show(message_id: Annotated[int, typer.Argument(metavar="ID", help="a message: message list")]) -> None:
    """Show a message and everything that happened to it."""
    from leadtui.cli.render import View
    from leadtui.services import messages

    with office() as opened:
        found = messages.get(opened, message_id)
        view = View.of(opened)
    emit(found.as_json(), lambda: _whole(found, view))


def _whole(found: MessageDetail, view: View) -> str:
    from leadtui.domain.message_reasons import words

    row = found.row
    facts = pairs((
        ("id", row.id), ("lead", " ".join(one for one in (row.lead_number, row.lead_name) if one)),
        ("channel", row.channel), ("address", row.address), ("campaign", row.campaign_name), ("state", row.state),
        ("why", row.error or (words(row.reason) if row.reason else None)), ("subject", row.subject),
        ("text", row.body), ("link", row.link), ("provider id", row.provider_id), ("confirmed by", row.confirmed_by),
    ))  # fmt: skip
    events = table(("when", "state", "by", "detail"), [
        (view.local(one.at), one.state, one.by, one.detail) for one in found.events
    ])  # fmt: skip
    return f"{facts}\n{events}" if found.events else facts


@app.command("resolve")
def resolve(
    ids: Ids,
    went: Annotated[
        bool | None, typer.Option("--went/--not-sent", help="they went, or they did not", show_default=False)
    ] = None,
    note_: Annotated[str | None, typer.Option("--note", metavar="TEXT", help="how you know")] = None,
) -> None:
    """Say of messages that were handed over, or of which nobody knows, whether they went."""
    from leadtui.services import messages

    if went is None:
        raise UsageError("did they go?", field="went", hint="--went or --not-sent")
    with office() as opened:
        done = messages.resolve(opened, ids, went, note=note_)
    _print(done, "sent, as you say" if went else "not sent; they may be tried again", len(ids))


@app.command("retry")
def retry(ids: Ids) -> None:
    """Try messages that failed once more."""
    from leadtui.services import messages

    with office() as opened:
        done = messages.retry(opened, ids)
    _print(done, "tried again", len(ids))


@app.command("withdraw")
def withdraw(ids: Ids) -> None:
    """Take messages back that have not been begun."""
    from leadtui.services import messages

    with office() as opened:
        done = messages.withdraw(opened, ids)
    _print(done, "taken back", len(ids))


def _print(done: Resolved, words: str, total: int) -> None:
    refused = [{"id": message_id, "error": why} for message_id, why in done.refused]
    lines = [f"{done.count:,} {words}", *(f"  message {one['id']}: {one['error']}" for one in refused)]
    emit_partly({"changed": done.count, "refused": refused}, "\n".join(lines), total - done.count, total)
