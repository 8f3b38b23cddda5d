"""What would happen if a campaign began now: who, when, at what rate, who is left out and why, real texts, what it
costs (facts/messaging §5.3). The same object for the command line, the screen and the start itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from leadtui.channels.port import Caps
from leadtui.domain.sms import Segments, segments
from leadtui.store.unit_of_work import ReadTx

from . import audience, channels, consent, throttles
from . import lead_writes as w
from .audience import AudienceCount, Judged, Look, Texts
from .campaign_editing import columns_of
from .campaign_rows import Row, found
from .freezing import subject_of
from .office import Office

SAMPLES: Final = 3

_NEW: Final[Mapping[str, Any]] = {
    "id": None, "subject": None, "provider_json": None, "criteria_json": None, "options_json": None,
    "daily_unique": None, "quiet_hours": None, "scheduled_at": None, "attachment_path": None, "attachment_type": None,
    "status": "draft",
}  # fmt: skip
"""What a campaign has that was not written down yet."""


@dataclass(frozen=True, slots=True)
class Sample:
    """The message of one lead. `reason`: why this lead would get none; `missing`: values that the text needs."""

    lead_id: int
    lead_number: str
    lead_name: str | None
    address: str | None
    subject: str | None
    text: str
    segments: Segments | None = None
    missing: tuple[str, ...] = ()
    reason: str | None = None

    @property
    def why_not(self) -> str:
        """Why this lead would get none, in words."""
        return consent.words(self.reason) if self.reason else ""

    def as_json(self) -> dict[str, Any]:
        """As `campaign preview` prints it."""
        return {
            "lead_id": self.lead_id, "lead_number": self.lead_number, "lead_name": self.lead_name,
            "address": self.address, "subject": self.subject, "text": self.text,
            "segments": self.segments.count if self.segments else None, "missing": list(self.missing),
            "reason": self.reason,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """A campaign as it would go now. `problems` are why it would not start, `warnings` what to think of first.

    `messages` is what is charged: parts for SMS. `cost_minor` None: the price is not known.
    """

    name: str
    channel: str
    found: int
    to_send: int
    by_reason: Mapping[str, int]
    missing: Mapping[str, int]
    missing_leads: tuple[str, ...]
    unknown_consent: int
    had_one_today: int
    samples: tuple[Sample, ...]
    longest: Segments | None
    messages: int
    cost_minor: int | None
    per_minute: int
    daily_unique: int | None
    quiet_hours: str
    begins_at: datetime
    ends_at: datetime | None
    warnings: tuple[str, ...]
    problems: tuple[str, ...]
    skip_missing: bool = False
    id: int | None = None
    scheduled_at: datetime | None = None

    @property
    def dropped(self) -> int:
        """Leads of the filter who get no message."""
        return self.found - self.to_send

    @property
    def missing_count(self) -> int:
        """Leads that lack a value that the text needs."""
        return self.by_reason.get(audience.MISSING, 0)

    def as_json(self) -> dict[str, Any]:
        """What `campaign preview --json` prints; times stay datetimes for the command line to write."""
        plain = {one.name: getattr(self, one.name) for one in fields(self)}
        plain |= {
            "samples": [one.as_json() for one in self.samples], "by_reason": dict(self.by_reason),
            "missing": dict(self.missing), "missing_leads": list(self.missing_leads), "dropped": self.dropped,
            "longest": None if self.longest is None else {
                one.name: getattr(self.longest, one.name) for one in fields(self.longest)
            },
            "warnings": list(self.warnings), "problems": list(self.problems), "total_leads": self.to_send,
        }  # fmt: skip
        return plain


def rehearse(
    office: Office,
    what: int | str | Mapping[str, Any],
    *,
    skip_missing: bool = False,
    should_stop: Callable[[], bool] | None = None,
) -> Rehearsal:
    """Rehearse a campaign, or one that is only typed so far (values as `campaigns.create` takes them).

    Raises NotFound, Invalid, FilterError, NotPermitted; `audience.Stopped` when stopped.
    """
    with office.read() as tx:
        row: Row = {**_NEW, **columns_of(tx, what)} if isinstance(what, Mapping) else found(tx, what)
        return of_row(tx, office, row, skip_missing=skip_missing, should_stop=should_stop)


def leads_of(office: Office, what: int | str | Mapping[str, Any], reason: str) -> tuple[int, ...]:
    """The leads that a campaign leaves out for one reason, at most `audience.MOST_NAMED`."""
    with office.read() as tx:
        row: Row = {**_NEW, **columns_of(tx, what)} if isinstance(what, Mapping) else found(tx, what)
        return audience.ids_by_reason(tx, _look(tx, row), reason)


def preview(
    office: Office,
    template: str,
    ref: str | int,
    *,
    subject: str | None = None,
    channel: str = "file",
    provider: Any = None,
) -> Sample:
    """A text for one lead that the actor may see, in an audience or not. Raises Invalid, NotFound."""
    with office.read() as tx:
        if not tx.actor.may("log"):
            w.require(tx, "campaign")
        texts = Texts.read(template, subject, provider, tx.actor.hidden_fields)
        look = Look(tx, None, channel, texts)
        return _sample(tx, look, look.of_lead(w.resolve(tx, ref)), channels.caps(tx, channel), provider)


def _look(tx: ReadTx, row: Row) -> Look:
    texts = Texts.read(row["template"], subject_of(row), row["provider_json"], tx.actor.hidden_fields)
    return Look(tx, audience.stored_node(row["criteria_json"], tx.actor), row["channel"], texts)


class _Lengths:
    """How long the texts are, where they are charged by parts: counted while the audience is gone through."""

    def __init__(self, texts: Texts, caps: Caps) -> None:
        self._texts, self._parts = texts, caps.segments
        self._is_asked = caps.segments or caps.max_len is not None
        self.longest: Segments | None = None
        self.longest_text = ""
        self.by_count: Counter[int] = Counter()
        self.examples: dict[int, str] = {}
        self.most_chars = 0

    def note(self, one: Judged) -> None:
        """Count one message, where its length says anything on this channel."""
        if not self._is_asked:
            return
        text = self._texts.body.render(one.values).text
        self.most_chars = max(self.most_chars, len(text))
        if not self._parts:
            return
        size = segments(text)
        self.by_count[size.count] += 1
        self.examples.setdefault(size.count, text)
        if self.longest is None or (size.count, size.units) > (self.longest.count, self.longest.units):
            self.longest = size


def of_row(
    tx: ReadTx,
    office: Office,
    row: Row,
    *,
    skip_missing: bool = False,
    should_stop: Callable[[], bool] | None = None,
) -> Rehearsal:
    """The rehearsal of a campaign's row, as the transaction's actor would start it."""
    look, caps = _look(tx, row), channels.caps(tx, row["channel"])
    lengths, ids = _Lengths(look.texts, caps), list[int]()

    def note(one: Judged, reason: str | None) -> None:
        if reason is None:
            ids.append(one.row["id"])
            lengths.note(one)

    counted = audience.survey(look, tx, each=note, should_stop=should_stop)
    chosen = sorted({ids[0], ids[len(ids) // 2], ids[-1]}) if ids else []
    samples = tuple(_sample(tx, look, look.of_lead(one), caps, row["provider_json"]) for one in chosen)
    start = row["scheduled_at"] if row["scheduled_at"] and row["scheduled_at"] > tx.now else None
    when = throttles.eta(
        tx, row["channel"], counted.to_send, per_minute=row["per_minute"], daily_unique=row["daily_unique"],
        quiet_hours=row["quiet_hours"], start=start,
    )  # fmt: skip
    never = bool(counted.to_send) and (when is None or when.ends_at is None)
    skip = skip_missing or bool((row["options_json"] or {}).get("skip_missing"))
    quiet = row["quiet_hours"] if row["quiet_hours"] is not None else tx.catalog.settings.get("quiet_hours")
    total = sum(count * many for count, many in lengths.by_count.items()) if caps.segments else counted.to_send
    return Rehearsal(
        name=row["name"], channel=row["channel"], found=counted.found, to_send=counted.to_send,
        by_reason=dict(counted.by_reason.most_common()), missing=dict(counted.missing.most_common()),
        missing_leads=tuple(counted.missing_leads), unknown_consent=counted.unknown_consent,
        had_one_today=counted.had_one_today, samples=samples, longest=lengths.longest, messages=total,
        cost_minor=_cost(tx, row["channel"], counted, lengths, caps), per_minute=row["per_minute"],
        daily_unique=row["daily_unique"], quiet_hours=str(quiet or ""),
        begins_at=(when.begins_at if when else start) or tx.now,
        ends_at=when.ends_at if when and counted.to_send else None,
        warnings=tuple(_warnings(row, counted, caps, lengths)), skip_missing=skip, id=row["id"],
        problems=tuple(_problems(tx, office, row, counted, skip, never=never)),
        scheduled_at=row["scheduled_at"],
    )  # fmt: skip


def _sample(tx: ReadTx, look: Look, one: Judged, caps: Caps, provider: Any) -> Sample:
    text, subject, _ = look.texts.render(one.values, provider)
    hidden = tx.actor.hidden_fields
    return Sample(
        one.row["id"], one.row["number"], None if "name" in hidden else one.row["name"],
        None if hidden & {"phone", "email"} else one.address, subject, text,
        segments(text) if caps.segments else None, one.missing, one.reason,
    )  # fmt: skip


def _cost(tx: ReadTx, channel: str, counted: AudienceCount, lengths: _Lengths, caps: Caps) -> int | None:
    """What all of it costs, in minor units; None where the account has no price."""
    if not caps.segments:
        price = channels.price_minor(tx, channel, "")
        return None if price is None else int((price * counted.to_send).to_integral_value())
    cost = Decimal(0)
    for count, many in lengths.by_count.items():
        price = channels.price_minor(tx, channel, lengths.examples[count])
        if price is None:
            return None
        cost += price * many
    return int(cost.to_integral_value())


def _problems(
    tx: ReadTx, office: Office, row: Row, counted: AudienceCount, skip: bool, *, never: bool
) -> Sequence[str]:
    found_: list[str] = []
    if never:
        found_.append("its quiet hours leave no time to send in")
    if reason := channels.problem(tx, office, row["channel"]):
        found_.append(f"the channel {row['channel']} is not ready: {reason}")
    if not counted.to_send:
        found_.append("there is nobody to send to")
    lacking = counted.by_reason[audience.MISSING]
    if lacking and not skip:
        values = ", ".join(f"{{{key}}} {count:,}" for key, count in counted.missing.most_common(5))
        found_.append(f"{lacking:,} of {counted.found:,} leads lack a value that the text needs: {values}")
    return found_


def _warnings(row: Row, counted: AudienceCount, caps: Caps, lengths: _Lengths) -> Sequence[str]:
    found_: list[str] = []
    if caps.warning:
        found_.append(caps.warning)
    if caps.needs_template and not row["provider_json"]:
        found_.append(
            f"{row['channel']} takes a text of one's own only within 24 hours after the lead wrote;"
            " to all others it needs an approved template"
        )
    if caps.by_hand and not caps.warning:
        found_.append("a person confirms every message: nothing counts as sent before")
    if caps.max_len is not None and lengths.most_chars > caps.max_len:
        found_.append(
            f"the longest text has {lengths.most_chars:,} characters, {row['channel']} takes {caps.max_len:,}"
        )
    if counted.unknown_consent:
        found_.append(f"{counted.unknown_consent:,} have never said whether they want messages")
    if counted.had_one_today:
        found_.append(f"{counted.had_one_today:,} had a message within the last day")
    return found_
