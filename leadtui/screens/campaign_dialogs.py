"""Small dialogs about a campaign: when it starts, a test to oneself, the recipients as a file, what failed again."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from leadtui.domain.campaigns import CampaignRow
from leadtui.errors import Invalid
from leadtui.screens.record_form import RecordForm
from leadtui.widgets.form import FieldSpec
from leadtui.widgets.text import one_line

if TYPE_CHECKING:
    from leadtui.domain.campaigns import CampaignDone
    from leadtui.screens.base import LeadScreen

WHEN_HELP = "such as tomorrow 9:00, fri 14:00, 2026-11-27 10:00; empty: it is started by hand"


def schedule_form(office: Any, row: CampaignRow) -> RecordForm:
    """When it starts by itself. Answers the CampaignDone; emptied, it is a draft again."""
    tz = office.catalog.tz
    at = row.scheduled_at.astimezone(tz).strftime("%Y-%m-%d %H:%M") if row.scheduled_at else ""

    def save(values: dict[str, str]) -> CampaignDone:
        from leadtui.services import campaigns

        if values["at"].strip():
            return campaigns.schedule(office, row.id, values["at"], version=row.version)
        return campaigns.unschedule(office, row.id)

    specs = (FieldSpec("at", "Starts", "date", help=WHEN_HELP),)
    note = "Who gets it is chosen when it starts, not now."
    return RecordForm(f"When does {one_line(row.name)} start?", specs, {"at": at}, save, new=False, note=note)


def own_address(office: Any, kind: str) -> str:
    """Where the acting user is reached himself: his phone, or his email (`kind` is that of the channel)."""
    me = next((one for one in office.catalog.users if one.id == office.actor.user_id), None)
    if me is None:
        return ""
    found = me.email if kind == "email" else me.phone or (me.email if kind == "any" else None)
    return found or ""


def push_test_form(screen: LeadScreen[Any], row: CampaignRow) -> None:
    """One message to oneself, as a lead would get it. Says afterwards what became of it."""
    office = screen.office

    def read() -> str:
        from leadtui.services import channels

        return str(channels.get(office, row.channel).caps.address)

    def show(kind: str) -> None:
        screen.app.push_screen(_test_form(office, row, own_address(office, kind)), tested)

    def tested(message: Any) -> None:
        if message is not None:
            screen.done(f"Test to {one_line(message.address or '')}: {message.state.replace('_', ' ')}")

    screen.run_blocking(read, then=show, group="campaign.test")


def _test_form(office: Any, row: CampaignRow, to: str) -> RecordForm:
    def save(values: dict[str, str]) -> Any:
        from leadtui.services import campaigns

        return campaigns.test(office, row.id, values["to"], values.get("lead") or None)

    specs = (
        FieldSpec("to", "To", required=True, help="your own phone or email"),
        FieldSpec("lead", "As read by", help="number or phone of a lead; empty: the first of the audience"),
    )
    note = f"Sent by {row.channel}, marked TEST, not counted, now."
    form = RecordForm(f"Test of {one_line(row.name)}", specs, {"to": to}, save, new=True, note=note)
    form.do = "Send"
    return form


def file_name(row: CampaignRow) -> str:
    """A name for the file of its recipients."""
    words = re.sub(r"[^a-z0-9]+", "-", row.name.casefold()).strip("-")[:40]
    return f"~/{words or 'campaign'}-recipients.csv"


def push_export_form(screen: LeadScreen[Any], row: CampaignRow, state: str | None) -> None:
    """The recipients (those in `state`) as a CSV file; an existing file is replaced only when that is said twice."""
    office, asked = screen.office, [""]

    def save(values: dict[str, str]) -> tuple[int, Path]:
        from leadtui.services import campaigns

        written = values["file"].strip()
        path = Path(written).expanduser()
        if path.is_dir() or written.endswith("/"):
            raise Invalid("That is a folder: which file in it?", field="file")
        if path.exists() and asked[0] != written:
            asked[0] = written
            raise Invalid(f"{one_line(path.name)} exists: again to replace it", field="file")
        return campaigns.recipients_file(office, row.id, path, state=state), path

    def done(answer: tuple[int, Path] | None) -> None:
        if answer is not None:
            count, path = answer
            screen.done(f"{count:,} recipient{'' if count == 1 else 's'} written to {path}")

    which = f" ({state.replace('_', ' ')})" if state else ""
    specs = (FieldSpec("file", "To", required=True),)
    form = RecordForm(f"Recipients of {row.name}{which}", specs, {"file": file_name(row)}, save, new=True)
    form.do = "Export"
    screen.app.push_screen(form, done)


def ask_retry(
    screen: LeadScreen[Any], row: CampaignRow, ids: Sequence[int] | None, then: Callable[[CampaignRow | None], object]
) -> None:
    """Let what failed be sent again (`ids` of messages; None: all of them), after a question."""
    from leadtui.screens.confirm import Confirm

    office = screen.office
    count = row.counters.failed if ids is None else len(ids)

    def retry() -> int:
        from leadtui.services import campaigns

        return campaigns.retry_failed(office, row.id, ids).count

    def done(again: int) -> None:
        then(None)
        left = count - again
        kept = f"; {left:,} cannot be helped by that" if left > 0 else ""
        screen.done(f"{again:,} will be sent again{kept}")

    def answered(yes: bool | None) -> None:
        if yes:
            screen.run_blocking(retry, then=done, group="campaign.act")

    what = "The one that failed" if count == 1 else f"The {count:,} that failed"
    words = (
        f"{what} in {one_line(row.name)} will be tried again, where that can help (not a wrong number, not somebody "
        "who wants no messages). Nobody who got it gets it twice."
    )
    screen.app.push_screen(Confirm(words, yes="Try again", no="Leave it"), answered)
