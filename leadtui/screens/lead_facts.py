"""What is known of a lead as lines of a sheet: sections for the detail screen and the preview. Pure."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Final

from leadtui import clock
from leadtui.domain.fields import BY_KEY
from leadtui.domain.phones import format_phone
from leadtui.domain.records import ActivityRow
from leadtui.screens import drip_rows
from leadtui.screens.lead_head import LeadHead
from leadtui.screens.lead_timeline import Happening, contacts, happenings
from leadtui.screens.loan_rows import lines_of
from leadtui.screens.router_cells import ago
from leadtui.widgets.lead_cells import due_words, moment, short_day
from leadtui.widgets.sheet_lines import Line, Row, beside, cells_of, merge, stack, text, wrapped
from leadtui.widgets.text import one_line

if TYPE_CHECKING:
    from leadtui.domain.drips import EnrollmentRow
    from leadtui.services.messages import MessageRow
    from leadtui.services.serving import Serving

WIDE = 110
"""From this width on the timeline stands beside the facts."""
_INDENT: Final = 15
"""Cells before the words of a timeline line."""
REMARKS = 3
"""Lines of remarks among the details."""

_DETAILS: Final = (
    "assigned_to", "manager", "branch", "source", "pipeline", "priority", "preferred_hour", "tags", "email",
    "alt_phone", "address", "city", "state", "pincode", "date_of_birth", "occupation", "employment_status", "passport",
    "national_id", "language", "consent",
)  # fmt: skip
_WANTS: Final = ("property_type", "timeline")
_MONEY: Final = ("budget", "pre_approved", "pre_approval_in_progress", "down_payment_ready")
_COUNTS: Final = (
    "page_views", "property_views", "searches", "email_opens", "email_clicks", "social", "communications",
    "avg_response_min", "has_appointment",
)  # fmt: skip


@dataclass(frozen=True)
class Facts(LeadHead):
    """One lead, ready to be laid out in any width. `serving` says whether the office can connect it; `messages` and
    `drips` are what was written to it, and what will be.
    """

    serving: Serving | None = None
    messages: Sequence[MessageRow] = ()
    drips: Sequence[EnrollmentRow] = ()

    # Sections

    def wants(self, width: int) -> list[Line]:
        """What the lead is interested in, and through whom."""
        row, lines = self.detail.row, [Line(rule="Wants")]
        start = len(lines)
        for key in ("package", "product_interest"):
            if words := self.say(key):
                lines.append(Line(text((words, "strong"))))
        if self.detail.interests:
            lines.append(Line(text(("interested in ", "muted"), ", ".join(self.detail.interests))))
        isp, reason = self.say("current_isp"), " ".join(self.say("reason").split())
        if isp or reason:
            words = ": ".join(one for one in (f"now with {isp}" if isp else "", f"“{reason}”" if reason else "") if one)
            said = wrapped(textwrap.shorten(words, 3 * (width - 4), placeholder=" …"), width - 2)
            lines += [Line(text(self.signs(one))) for one in said]
        if row.brought_in_by and "brought_in_by" not in self.hidden:
            contact = row.brought_in_by_contact
            phone = format_phone(contact, self.catalog.country) if contact else ""
            who = Line(text(("brought in by ", "muted"), row.brought_in_by, (f" {phone}", "muted")))
            if phone and cells_of(who) > width - 2:  # a phone is dialled: it is never cut
                lines.append(Line(text(("brought in by ", "muted"), row.brought_in_by)))
                who = Line(text((f"  {phone}", "muted")))
            lines.append(who)
        if row.has_router and "has_router" not in self.hidden:
            kind = f": {row.router_type}" if row.router_type else ""
            lines.append(Line(text(f"has a router{kind}")))
        lines += self._can_serve(width)
        lines += self._pairs(_WANTS)
        return lines if len(lines) > start else [*lines, Line(text(("not said yet", "muted")))]

    def _can_serve(self, width: int) -> list[Line]:
        """Can we serve this door? By which router, and how old the figures are."""
        found = self.serving
        if found is None:
            return []
        age = f", {ago(found.answered_at)}" if found.answered_at is not None else ""
        sure = bool(found.free) and not found.is_stale and found.error is None
        said = wrapped(self.signs(f"{found.verdict}{age}"), width - 2)
        return [Line(text((words, "success" if sure else "warning"))) for words in said]

    def money(self) -> list[Line]:
        """Fees agreed, and what the lead can spend. No section at all for roles that see no money."""
        keys = ("installation_fee", "monthly_fee", "total_amount", *_MONEY)
        if all(key in self.hidden for key in keys):
            return []
        lines = [Line(rule=f"Money ({self.catalog.currency})")]
        for key, label in (("installation_fee", "installation"), ("monthly_fee", "monthly"), ("total_amount", "total")):
            if words := self.amount(key):
                style = "strong" if key == "total_amount" else ""
                lines.append(Line(text((label, "muted")), text((words, style))))
        for key in _MONEY:
            if words := self.say(key):
                lines.append(Line(text((BY_KEY[key].label.lower(), "muted")), text(words)))
        return lines if len(lines) > 1 else [*lines, Line(text(("nothing agreed yet", "muted")))]

    def outcome(self) -> list[Line]:
        """What became of the lead: customer with or without router user (spec §AF 220), or lost and why."""
        row = self.detail.row
        if row.is_lost:
            return [Line(rule="Lost"), Line(text(self.say("lost_reason") or "no reason given"))]
        if not row.is_converted:
            return []
        lines = [Line(rule="Customer")]
        name = self.say("customer_name")
        who = f"customer {row.customer_id}" if row.customer_id is not None else "customer"
        parts = [who, name, self.say("customer_type"), f"since {self.say('converted_at')}"]
        lines.append(Line(text(self.signs(" · ").join(one for one in parts if one and one != "since "))))
        user = row.router_user
        if user is None:
            lines.append(Line(text(("without router user", "warning"))))
        else:
            more = [user.service, user.profile, user.ip, user.state]
            lines.append(
                Line(text(
                    ("with router user ", "success"), (user.username, "strong"), f" on {user.router}",
                    (" · " + " · ".join(one for one in more if one), "muted"),
                ))
            )  # fmt: skip
        if notes := self.say("conversion_notes"):
            lines.append(Line(text(("notes ", "muted"), _first_line(notes))))
        return lines

    def next_steps(self, hint: str = "") -> list[Line]:
        """Follow-ups still to be done, the earliest first; `hint` says how to set one where there is none."""
        lines = [Line(rule="Next")]
        # A follow-up that came with an import may be only a date of the lead.
        if not self.detail.follow_ups:
            row = self.detail.row
            if row.next_follow_up is not None and "follow_up" not in self.hidden:
                words, style = due_words(row.next_follow_up, row.next_follow_up_all_day, self.catalog.tz)
                return [*lines, Line(text((f"{words:13}", style), "follow-up"))]
            closed = row.is_converted or row.is_lost or row.is_deleted
            return [*lines, Line(text(("nothing planned" + ("" if closed else hint), "muted")))]
        for one in self.detail.follow_ups:
            if one.scheduled_at is None:
                continue
            words, style = due_words(one.scheduled_at, one.all_day, self.catalog.tz)
            if not one.all_day and ":" not in words:
                words = f"{words} {one.scheduled_at.astimezone(self.catalog.tz):%H:%M}"
            subject = one.subject or one.next_action or "follow-up"
            said = f" · {_first_line(one.details)}" if one.details else ""
            who = one.assigned_to or one.created_by
            lines.append(
                Line(
                    text((words.ljust(12) + " ", style), subject, (self._escalated(one), "error"), (said, "muted")),
                    text((who, "muted")),
                    one,
                    f"f{one.id}",
                )
            )
        return lines

    def _escalated(self, one: ActivityRow) -> str:
        """Since when the thing really waits, where this follow-up took the place of one that was missed."""
        since, times = one.metadata.get("late_since"), one.metadata.get("times_late")
        if not isinstance(since, str):
            return self.signs(" · passed on") if one.escalated_at is not None else ""
        first = short_day(datetime.fromisoformat(since), clock.now(), self.catalog.tz)
        often = f", missed {times} times" if isinstance(times, int) and times > 1 else ", passed on"
        return self.signs(f" · late since {first}{often}")

    def details(self, columns: bool, width: int) -> list[Row]:
        """Everything else that is filled in, in one or two columns; the beginning of the remarks."""
        pairs = self._pairs(_DETAILS)
        pairs += [
            Line(text((f"{name.replace('_', ' ')} ", "muted"), words))
            for name, words in self.detail.custom.items()
            if words and f"custom.{name}" not in self.hidden
        ]
        counts = [f"{BY_KEY[key].label.lower()} {self.say(key)}" for key in _COUNTS if self.say(key)]
        rows = stack([Line(rule="Details")], width)
        if columns:  # what half the width would cut has the whole of it
            long = [pair for pair in pairs if cells_of(pair) > width // 2 - 2]
            pairs = [pair for pair in pairs if pair not in long]
            half = (len(pairs) + 1) // 2
            rows += [*beside(pairs[:half], pairs[half:], width), *stack(long, width)]
        else:
            rows += stack(pairs, width)
        rows += stack([Line(text((one, "muted"))) for one in wrapped(", ".join(counts), width - 2)], width)
        if remarks := self.say("remarks"):
            lines = wrapped(remarks, width - 2)
            more = lines[REMARKS:]
            if more:  # the rest stands below the timeline
                lines = [*lines[: REMARKS - 1], lines[REMARKS - 1] + " …"]
            rows += stack([Line(text(one)) for one in lines], width)
        if reached := self._milestones():
            rows += stack([Line(text((one, "muted"))) for one in wrapped(reached, width - 2)], width)
        return rows + stack([self._record()], width)

    def _milestones(self) -> str:
        """What the lead reached, and on which day; of a single one the timeline tells enough."""
        now, tz = clock.now(), self.catalog.tz
        reached = [f"{one.name.lower()} {short_day(one.at, now, tz)}" for one in self.detail.milestones]
        return self.signs("★ " + " · ".join(reached)) if len(reached) > 1 else ""

    def remarks(self, width: int) -> list[Line]:
        """Remarks in full, when the details show only their beginning."""
        lines = wrapped(self.say("remarks"), width - 2)
        return [Line(rule="Remarks"), *(Line(text(one)) for one in lines)] if len(lines) > REMARKS else []

    def _record(self) -> Line:
        row, now, tz = self.detail.row, clock.now(), self.catalog.tz
        made, by = moment(row.created_at, now, tz).strip(), self.say("created_by")
        words = f"came in {made}" + (f" by {by}" if by else "")
        if (row.updated_at - row.created_at).total_seconds() > 60:
            changed, who = moment(row.updated_at, now, tz).strip(), self.say("updated_by")
            words += f" · changed {changed}" + (f" by {who}" if who else "")
        return Line(text((self.signs(words), "muted")))

    def bookings(self) -> list[Line]:
        """What the lead booked elsewhere."""
        if not self.detail.bookings:
            return []
        tz, now = self.catalog.tz, clock.now()
        return [
            Line(rule="Bookings"),
            *(
                Line(
                    text(one.ref, (f"  {one_line(', '.join(f'{k} {v}' for k, v in one.details.items()))}", "muted")),
                    text((moment(one.at, now, tz), "muted")),
                )
                for one in self.detail.bookings
            ),
        ]

    def documents(self) -> list[Line]:
        """Files kept with the lead."""
        if not self.detail.documents:
            return []
        tz, now = self.catalog.tz, clock.now()
        return [
            Line(rule="Documents"),
            *(
                Line(
                    text(self.signs("▤ "), one.name, (f"  {size_words(one.bytes)}", "muted")),
                    text((f"{one.uploaded_by}  {moment(one.at, now, tz)}", "muted")),
                    one,
                    f"d{one.id}",
                )
                for one in self.detail.documents
            ),
        ]

    def timeline(self, room: int = 0) -> list[Line]:
        """Everything that happened, newest first; in a column of its own (`room` cells) with more of what was said."""
        lines = [Line(rule="Timeline")]
        for one in happenings(self.detail, self.catalog, self.messages):
            line = self.happening(one)
            if room and one.details and ("\n" in one.details or cells_of(line) > room - 2):
                said = textwrap.shorten(one.details, 2 * (room - _INDENT - 3), placeholder=" …")
                lines.append(self.happening(replace(one, details="")))
                quoted = wrapped(self.signs(f"“{said}”"), room - _INDENT - 1)
                lines += [Line(text((" " * _INDENT + words, "muted"))) for words in quoted]
            else:
                lines.append(line)
        return lines

    def happening(self, one: Happening, *, who: bool = True) -> Line:
        """A line of the timeline."""
        at = moment(one.at, clock.now(), self.catalog.tz)
        said = self.signs(f"“{_first_line(one.details)}”") if one.details else ""
        words = f"{self.signs(one.sign)} {self.signs(one.words)}"
        left = text((f"{at:13}", "muted"), words, (f" {said}" if said else "", "muted"))
        return Line(left, text((one.who, "muted")) if who else (), one.source, one.key)

    def last_contacts(self, count: int = 3) -> list[Line]:
        """For the preview: the last contacts."""
        found = contacts(self.detail, count)
        if not found:
            return [Line(rule="Last contacts"), Line(text(("none yet; c logs one", "muted")))]
        return [Line(rule="Last contacts"), *(self.happening(one, who=False) for one in found)]

    def _pairs(self, keys: Sequence[str]) -> list[Line]:
        labels: Mapping[str, str] = {"date_of_birth": "born"}
        lines = []
        for key in keys:
            if key == "pipeline" and len(self.catalog.pipelines) < 2:
                continue
            words = self.say(key)
            if not words or words == "unknown":
                continue
            if key == "date_of_birth" and self.value("age") is not None:
                words += f" ({self.value('age')})"
            lines.append(Line(text((f"{labels.get(key, BY_KEY[key].label.lower())} ", "muted"), _first_line(words))))
        return lines

    # Pictures

    def sheet(self, width: int) -> list[Row]:
        """The detail screen."""
        if width >= WIDE:
            left = int((width - 2) * 0.56)
            facts = [*self._facts(left, tall=True), *stack(self.remarks(left), left)]
            beginning = left + 2
            return merge(facts, stack(self.timeline(width - beginning), width - beginning, beginning))
        return [*self._facts(width), *stack([*self.timeline(), *self.remarks(width)], width)]

    def _facts(self, width: int, *, tall: bool = False) -> list[Row]:
        pair = width >= 56
        head = self.head(width, reasons=not tall)
        if tall and (why := self._why(width - 2)):
            head.insert(1, Line((), why))
        rows = stack(head, width)
        money = self.money()
        if pair and money:
            rows += beside(self.wants(int(width * 0.58)), money, width, 0.58)
        else:
            rows += stack([*self.wants(width), *money], width)
        promises = lines_of(self.detail.loans, self.catalog)
        drips = drip_rows.lines_of(self.drips, self.catalog)
        rows += stack([*self.outcome(), *promises, *self.next_steps("; f sets when to make contact"), *drips], width)
        rows += self.details(pair, width)
        return rows + stack([*self.bookings(), *self.documents()], width)

    def preview(self, width: int) -> list[Row]:
        """The pane beside the list: facts, last three contacts, next step."""
        title, state = self.title()
        lines = [Line(text((title, "strong"))), Line(text(state)), *self.head(width)]
        lines += [*self.next_steps(), *self.last_contacts(), *self.outcome(), *self.wants(width), *self.money()]
        return [*stack(lines, width), *self.details(False, width)]


def size_words(count: int) -> str:
    """A number of bytes for reading: "12 KB"."""
    if count < 1024:
        return f"{count} B"
    return f"{count / 1024:.0f} KB" if count < 1024 * 1024 else f"{count / 1024 / 1024:.1f} MB"


def _first_line(words: str | None) -> str:
    lines = [line.strip() for line in (words or "").splitlines() if line.strip()]
    return lines[0] + (" …" if len(lines) > 1 else "") if lines else ""
