"""A lead in work mode as lines of a sheet: who, why now, what was, what is wanted, the outcomes; the summary. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from leadtui import clock
from leadtui.domain.catalog import Catalog
from leadtui.domain.money import format_money
from leadtui.domain.records import Done
from leadtui.domain.today import moment_words
from leadtui.screens.lead_timeline import contacts
from leadtui.widgets.lead_cells import LeadCells, due_words, how_long, plain_signs
from leadtui.widgets.sheet_lines import Line, Row, stack, text, wrapped

if TYPE_CHECKING:
    from leadtui.services.quick_log import Offer
    from leadtui.services.work_queue import Card


@dataclass
class Tally:
    """What was done since work began, and with how many keys."""

    began: datetime
    outcomes: Counter[str] = field(default_factory=Counter)
    skipped: int = 0
    converted: int = 0
    keys: int = 0
    ended: datetime | None = None

    @property
    def logged(self) -> int:
        """Outcomes logged."""
        return sum(self.outcomes.values())

    @property
    def keys_each(self) -> float:
        """Keys for each of them."""
        return self.keys / self.logged if self.logged else 0.0

    def count(self, name: str, keys: int, at: datetime) -> None:
        """An outcome was logged with so many keys."""
        self.outcomes[name] += 1
        self.keys += keys
        self.ended = at

    def uncount(self, name: str, keys: int) -> None:
        """It was taken back, or could not be written."""
        self.outcomes[name] -= 1
        self.keys -= keys


@dataclass(frozen=True)
class CardRows:
    """One lead, ready to be laid out in any width."""

    card: Card
    catalog: Catalog
    actor: Any
    plain: bool = False

    def signs(self, words: str) -> str:
        """Our own signs as the terminal can draw them."""
        return plain_signs(words, self.plain)

    def sheet(self, width: int, when: str = "", note: str = "", problem: str = "") -> list[Row]:
        """The whole screen; `when` and `note` wait for the outcome, `problem` says why the lead came back."""
        lines = [Line(text((one, "error"))) for one in wrapped(self.signs(problem), width - 2)] if problem else []
        lines += [*self.who(width), *self.why(width), *self.before(width), *self.wants(width), Line()]
        lines += [self.offer(number, offer, width) for number, offer in enumerate(self.card.offers[:9], 1)]
        lines.append(Line())
        if when:
            lines.append(Line(text(("Next contact ", "muted"), (when, "accent"))))
        lines += [Line(text(("Note ", "muted"), (one, "accent"))) for one in wrapped(note, width - 8)] if note else []
        return stack(lines, width)

    def who(self, width: int) -> list[Line]:
        """Name, phone, status, how late."""
        row, cells = self.card.detail.row, LeadCells(self.catalog, self.plain)
        status, style = cells.status(row)
        late = self._late()
        phone = cells.phone(row) or "no phone"
        if width < 70:
            return [
                Line(text((row.title, "strong")), text(late) if late else ()),
                Line(text((phone, "accent"), f"   {status}")),
            ]
        return [Line(text((row.title, "strong"), "   ", (phone, "accent"), "   ", (status, style)), text(late))]

    def _late(self) -> tuple[str, str]:
        due, row = self.card.due, self.card.detail.row
        at, whole = (due.scheduled_at, due.all_day) if due is not None else (None, True)
        if at is None:
            at, whole = row.next_follow_up, row.next_follow_up_all_day
        return due_words(at, whole, self.catalog.zone_of(self.actor.user_id)) if at is not None else ("", "")

    def why(self, width: int) -> list[Line]:
        """Why now; what is to be done about it, where somebody wrote that down."""
        said = wrapped(self.signs(self.card.reason), width - 11)
        lines = [Line(text(("Why now  " if not n else "         ", "muted"), one)) for n, one in enumerate(said)]
        due = self.card.due
        if due is not None and due.details:
            lines += [Line(text((f"         {one}", "muted"))) for one in wrapped(due.details, width - 11)[:2]]
        return lines

    def before(self, width: int) -> list[Line]:
        """The last contacts."""
        found = contacts(self.card.detail, 3)
        if not found:
            return [Line(text(("Last     ", "muted"), ("no contact yet", "muted")))]
        lines = []
        for number, one in enumerate(found):
            at = moment_words(one.at, True, clock.now(), self.catalog.tz)
            said = self.signs(f" “{' '.join(one.details.split())}”") if one.details else ""
            head = "Last     " if not number else "         "
            lines.append(Line(text((head, "muted"), self.signs(f"{at}: {one.words}"), (said, "muted"))))
        return lines

    def wants(self, width: int) -> list[Line]:
        """Package, fees, where from, where."""
        row, hidden = self.card.detail.row, self.actor.hidden_fields
        currency = self.catalog.currency
        interest = "" if "product_interest" in hidden else self.card.detail.fields.get("product_interest")
        wanted = row.package or interest or ""
        parts = [str(wanted)] if wanted else []
        if row.monthly_fee is not None and "monthly_fee" not in hidden:
            parts.append(f"{format_money(row.monthly_fee, currency)} a month")
        if row.installation_fee is not None and "installation_fee" not in hidden:
            parts.append(f"{format_money(row.installation_fee, currency)} installation")
        came = (row.source or "") + (f" by {row.brought_in_by}" if row.brought_in_by else "")
        parts += [one for one in (came, row.location or "") if one]
        lines = [
            Line(text(("Wants    " if not n else "         ", "muted"), one))
            for n, one in enumerate(wrapped(self.signs(" · ".join(parts)), width - 11))
        ]
        remarks = str(self.card.detail.fields.get("remarks") or "") if "remarks" not in hidden else ""
        said = wrapped(" ".join(remarks.split()), width - 11)[:2]
        return lines + [Line(text(("Remarks  " if not n else "         ", "muted"), one)) for n, one in enumerate(said)]

    def offer(self, number: int, offer: Offer, width: int) -> Line:
        """An outcome with its key and what it does."""
        item = offer.item
        parts = [f"→ {offer.status}"] if offer.status else []
        if item.ask == "when":
            parts.append("when?")
        elif offer.at is not None:
            at = moment_words(offer.at, False, clock.now(), self.catalog.zone_of(self.actor.user_id))
            parts.append(f"{item.next_action or 'again'} {at}")
        if item.ask in ("reason", "note"):
            parts.append(f"{item.ask}?")
        name = max((len(one.item.name) for one in self.card.offers), default=0)
        name = min(name, 24 if width >= 70 else 18)
        words = self.signs(", ".join(parts))
        return Line(text((f"  {number} ", "accent"), f"{item.name[:name]:{name}}   ", (words, "muted")))


def done_words(name: str, done: Done, catalog: Catalog, user_id: int) -> str:
    """What was written, in one quiet line."""
    row = done.lead
    parts = [f"{row.title}: {name}", row.status]
    if row.next_follow_up is not None:
        tz = catalog.zone_of(user_id)
        parts.append(f"next {moment_words(row.next_follow_up, row.next_follow_up_all_day, clock.now(), tz)}")
    return " · ".join([*parts, *done.warnings])


def summary(tally: Tally, total: int | None, saving: int, is_at_end: bool) -> list[Line]:
    """The last page: what was done, how long it took, with how many keys."""
    spent = (tally.ended or tally.began) - tally.began
    lines = [Line(), Line(text(("That was all." if is_at_end else "Stopped.", "strong")))]
    if not (tally.logged or tally.skipped or tally.converted):
        lines.append(Line(text("There is nothing to work through here now.")))
    if tally.logged:
        each = how_long(spent / tally.logged) if spent.total_seconds() >= 60 * tally.logged else ""
        words = f"{tally.logged:,} logged" + (f" in {how_long(spent)}" if spent.total_seconds() >= 60 else "")
        words += f", {each} each" if each else ""
        lines.append(Line(text(f"{words}, {tally.keys_each:.1f} keys each")))
        lines += [
            Line(text((f"{count:>6,}  ", "accent"), name)) for name, count in tally.outcomes.most_common() if count
        ]
    if tally.converted:
        lines.append(Line(text((f"{tally.converted:>6,}  ", "accent"), "converted")))
    if tally.skipped:
        lines.append(Line(text((f"{tally.skipped:>6,}  ", "accent"), "skipped")))
    if saving:
        lines.append(Line(text((f"{saving:,} still being written …", "warning"))))
    return [*lines, Line(), Line(text(("enter or esc goes back, u takes the last one back", "muted")))]
