"""What is known of a customer as lines of a sheet. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from leadtui import clock
from leadtui.domain.catalog import Catalog
from leadtui.domain.customers import LABELS
from leadtui.domain.money import format_money
from leadtui.domain.phones import format_phone
from leadtui.domain.records import AuditRow, CustomerDetail, CustomerLead, RouterUserRow
from leadtui.screens.customer_pages import state_cell
from leadtui.screens.lead_facts import size_words
from leadtui.widgets.lead_cells import moment, plain_signs, short_day
from leadtui.widgets.sheet_lines import Line, Row, Span, beside, merge, stack, text

WIDE: Final = 110
"""From this width on the history stands beside the facts."""
_FIELDS: Final = ("type", "email", "package", "branch", "pan", "aadhar", "gst")


@dataclass(frozen=True, slots=True)
class Member:
    """Another member of the family group."""

    id: int
    name: str


@dataclass(frozen=True)
class CustomerFacts:
    """One customer, ready to be laid out in any width. `hidden` are the fields the role may not see."""

    detail: CustomerDetail
    catalog: Catalog
    hidden: frozenset[str] = frozenset()
    plain: bool = False

    def signs(self, words: str) -> str:
        """Our own signs as this terminal can show them."""
        return plain_signs(words, self.plain)

    def at(self, when: datetime | None) -> str:
        """A moment in words; "" for none."""
        return "" if when is None else self.signs(moment(when, clock.now(), self.catalog.tz)).strip()

    # Head

    def title(self) -> tuple[str, str]:
        """The name; the state and since when."""
        row = self.detail.customer
        words, _ = state_cell(row.state, self.plain)
        return row.title, self.signs(f"{words} · since {self.at(row.created_at)}")

    def head(self) -> list[Line]:
        """How to reach the customer."""
        row = self.detail.customer
        phone = format_phone(row.phone, self.catalog.country) if row.phone else ""
        reach = self.signs(" · ").join(one for one in (phone, row.email or "") if one)
        return [Line(text((reach or "neither phone nor email", "strong")), text((f"customer {row.id}", "muted")))]

    # Sections

    def users(self) -> list[Line]:
        """The router users: state by mark and word, and whether each was ever online."""
        lines = [Line(rule="Router users")]
        for user in self.detail.users:
            words, style = state_cell(user.state, self.plain)
            where = self.signs(" · ").join(
                one for one in (user.router, user.service, user.profile, user.ip) if one
            )  # fmt: skip
            left = text((f"{words:12} ", style), (user.username, "strong"), (f"  {where}", "muted"))
            lines.append(Line(left, self._online(user), user, f"u{user.id}"))
        if len(lines) == 1:
            lines.append(Line(text(("none: only the lead's conversion makes one", "muted"))))
        return lines

    def _online(self, user: RouterUserRow) -> tuple[Span, ...]:
        if user.first_online_at is not None:
            day = short_day(user.first_online_at, clock.now(), self.catalog.tz)
            return text((self.signs(f"✓ first online {day}"), "success"))
        return text((self.signs("○ never online"), "warning"))

    def leads(self) -> list[Line]:
        """The leads that became this customer, with the fees agreed."""
        lines = [Line(rule="Leads")]
        for one in self.detail.leads:
            agreed = [amount for amount in (one.installation_fee, one.monthly_fee) if amount]
            fees = self.signs(" + ").join(format_money(amount, self.catalog.currency) for amount in agreed)
            more = "  ".join(part for part in (fees, one.assigned_to or "not assigned") if part)
            left = text((one.number, "strong"), f"  {one.status}", (f"  {more}", "muted"))
            at = self.at(one.converted_at or one.created_at)
            lines.append(Line(left, text((at, "muted")), one, f"l{one.id}"))
        if self.detail.others:
            count = self.detail.others
            lines.append(Line(text((f"{count} lead{'' if count == 1 else 's'} of somebody else", "muted"))))
        return lines if len(lines) > 1 else [*lines, Line(text(("none any more", "muted")))]

    def family(self) -> list[Line]:
        """The family group with its other members."""
        group = self.detail.customer.family_group
        if not group:
            return []
        lines = [Line(rule=f"Family {group}")]
        lines += [
            Line(text(name), text((f"customer {member}", "muted")), Member(member, name), f"m{member}")
            for member, name in self.detail.family
        ]
        if self.detail.family_others:
            lines.append(Line(text((f"{self.detail.family_others} more, not yours to see", "muted"))))
        return lines if len(lines) > 1 else [*lines, Line(text(("nobody else yet", "muted")))]

    def details(self) -> list[Line]:
        """The other fields that are filled in."""
        row = self.detail.customer
        return [
            Line(text((f"{LABELS[key]} ", "muted"), str(getattr(row, key))))
            for key in _FIELDS
            if key not in self.hidden and getattr(row, key)
        ]

    def documents(self) -> list[Line]:
        """Files kept with the customer."""
        if not self.detail.documents:
            return []
        return [
            Line(rule="Documents"),
            *(
                Line(
                    text(self.signs("▤ "), one.name, (f"  {size_words(one.bytes)}", "muted")),
                    text((f"{one.uploaded_by}  {self.at(one.at)}", "muted")), one, f"d{one.id}",
                )
                for one in self.detail.documents
            ),
        ]  # fmt: skip

    def history(self) -> list[Line]:
        """Who did what to the customer and its router users, newest first."""
        lines = [Line(rule="History")]
        for one in self.detail.history:
            left = text((f"{self.at(one.at):13}", "muted"), self.signs(happened(one, self.detail.users)))
            lines.append(Line(left, text((one.user, "muted")), one, f"h{one.id}"))
        return lines if len(lines) > 1 else [*lines, Line(text(("nothing was changed yet", "muted")))]

    # Pictures

    def sheet(self, width: int) -> list[Row]:
        """The screen."""
        if width >= WIDE:
            left = int((width - 2) * 0.56)
            beginning = left + 2
            return merge(self._facts(left), stack(self.history(), width - beginning, beginning))
        return [*self._facts(width), *stack(self.history(), width)]

    def _facts(self, width: int) -> list[Row]:
        rows = stack([*self.head(), *self.users(), *self.leads(), *self.family()], width)
        if fields := self.details():
            rows += stack([Line(rule="Details")], width)
            half = (len(fields) + 1) // 2 if width >= 56 else len(fields)
            rows += beside(fields[:half], fields[half:], width) if fields[half:] else stack(fields, width)
        return rows + stack(self.documents(), width)


_HAPPENED: Final = {
    ("customer", "create"): "became a customer", ("customer", "documents"): "documents copied from a lead",
    ("router_user", "create"): "router user made", ("router_user", "reveal"): "password shown",
    ("router_user", "first_online"): "first online",
    ("customer", "suspend"): "suspended", ("router_user", "suspend"): "router user suspended",
    ("customer", "resume"): "resumed", ("router_user", "resume"): "router user resumed",
}  # fmt: skip


def happened(entry: AuditRow, users: Sequence[RouterUserRow] = ()) -> str:
    """One line of the history: what was done, to which router user, and the fields it changed."""
    what = _HAPPENED.get((entry.entity, entry.action))
    if what is None and entry.action == "package":  # what it was and what it became is the whole of it
        what = ", ".join(f"{name.replace('_', ' ')} {_change(*pair)}" for name, pair in entry.changes.items())
    if not what:
        names = ", ".join(name.replace("_", " ") for name in entry.changes)
        what = entry.action.replace("_", " ") + (f": {names}" if names else "")
    name = next((user.username for user in users if entry.entity == "router_user" and user.id == entry.entity_id), "")
    return f"{what} ({name})" if name else what


def facts_of(item: object, facts: CustomerFacts) -> tuple[str, Mapping[str, str]]:
    """Heading and facts of a router user or a line of history, for a dialog."""
    if isinstance(item, RouterUserRow):
        seen = f"{facts.at(item.first_online_at)} with {item.first_online_ip}" if item.first_online_ip else ""
        return item.username, {
            "router": item.router, "service": item.service, "profile": item.profile or "",
            "address": item.ip or "dynamic", "state": item.state, "lead": item.lead_number or "",
            "made": facts.at(item.created_at), "first online": seen or facts.at(item.first_online_at) or "never",
        }  # fmt: skip
    if isinstance(item, AuditRow):
        changes = {name.replace("_", " "): _change(*pair) for name, pair in item.changes.items()}
        return happened(item, facts.detail.users), {"when": facts.at(item.at), "who": item.user, **changes}
    return "", {}


def _change(before: Any, after: Any) -> str:
    shown = "–" if after is None else str(after)
    return shown if before is None else f"{before} → {shown}"


__all__ = ["CustomerFacts", "CustomerLead", "Member", "facts_of", "happened"]
