"""Figures as what the panels of the stats screen show: cards, charts, rows with bars, words of the heading. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Final

from leadtui.domain.figure_words import CARDS, MONTHS, MONTHS_LONG, number, percent
from leadtui.domain.money import exponent
from leadtui.widgets.area_chart import Chart, Series
from leadtui.widgets.bars import BarRow, BarTable, Spot
from leadtui.widgets.cards import Card
from leadtui.widgets.text import brief

if TYPE_CHECKING:
    from leadtui.domain.figures import CampaignLine, Figure, Figures, Month, Share, Step

PANELS: Final = (
    "time", "sources", "funnel", "agents", "open", "ageing", "lost", "campaigns", "activations",
)  # fmt: skip
"""The panels of the wall in reading order."""


@dataclass(frozen=True, slots=True)
class Behind:
    """What enter opens: the leads a filter finds, and what they are in words."""

    filter: str
    title: str
    shown: str
    """The figure as it stands on the screen."""


@dataclass(frozen=True, slots=True)
class OneCampaign:
    """What enter opens on a campaign."""

    id: int
    name: str


@dataclass(frozen=True)
class StatsRows:
    """Figures, ready for the panels; `today` is the office's day on which they were asked for."""

    figures: Figures
    today: date

    def _spot(self, figure: Figure | None, title: str = "", *, style: str = "") -> Spot:
        text = number(figure, self.figures.currency)
        if figure is None or figure.value is None:
            return Spot(text, None, style)
        return Spot(text, Behind(figure.filter, title or figure.label, text), style)

    # Cards

    def cards(self) -> tuple[Card, ...]:
        """The figures on top."""
        month = self.today.month
        names = {"month": MONTHS_LONG[month - 1], "short": MONTHS[month - 1]}
        found = []
        for key, (label, short) in CARDS.items():
            if (figure := self.figures.find(key)) is None:
                continue
            spot = self._spot(figure, label.format(**names))
            note, style = self._note(key)
            found.append(
                Card(key, label.format(**names), short.format(**names), spot.text, self._brief(figure), note, style,
                     spot.item)
            )  # fmt: skip
        return tuple(found)

    def _brief(self, figure: Figure) -> str:
        if figure.value is None:
            return "–"
        if figure.unit == "minor":
            return brief(figure.value / 10 ** exponent(self.figures.currency))
        return brief(figure.value)

    def _note(self, key: str) -> tuple[str, str]:
        if key == "converted" and (rate := self.figures.find("rate")) is not None and rate.value is not None:
            return number(rate, self.figures.currency), "success"
        if key == "new" and (change := self.figures.find("new_change")) is not None and change.value is not None:
            sign = "▲" if change.value > 0 else "▼" if change.value < 0 else "="
            style = "success" if change.value > 0 else "warning" if change.value < 0 else "muted"
            return f"{sign}{abs(change.value):.0f}%", style
        return "", ""

    # Charts

    def over_time(self) -> Chart:
        """New leads by month, and those converted in it."""
        months = self.figures.months
        return self._chart(
            f"Leads over time {self.figures.year}", months,
            (("new", [one.created for one in months]), ("converted", [one.converted for one in months])),
        )  # fmt: skip

    def activations(self) -> Chart:
        """Router users by the month in which they were made."""
        months = self.figures.months
        return self._chart(
            f"Router users {self.figures.year}", months, (("made", [one.activated for one in months]),)
        )  # fmt: skip

    def has_activations(self) -> bool:
        """Whether any router user was made in the year."""
        return any(one.activated.value for one in self.figures.months)

    def _chart(self, title: str, months: Sequence[Month], rows: Sequence[tuple[str, list[Figure]]]) -> Chart:
        names = [f"{MONTHS[int(one.month[5:]) - 1]} {one.month[:4]}" for one in months]
        present = f"{self.today:%Y-%m}"
        series = [
            Series(
                label,
                tuple(
                    int(figure.value or 0) if month.month <= present or figure.value else None
                    for month, figure in zip(months, figures, strict=True)
                ),
                tuple(
                    self._spot(figure, f"{label} in {name}") for name, figure in zip(names, figures, strict=True)
                ),
            )
            for label, figures in rows
        ]  # fmt: skip
        return Chart(title, tuple(name[:3] for name in names), tuple(names), tuple(series))

    # Rows

    def funnel(self) -> BarTable:
        """How many leads ever reached each status; the bar is the share of all."""
        steps = self.figures.funnel if self.figures.total else ()
        several = len({step.pipeline for step in steps}) > 1
        rows = [self._step(step, place, several) for place, step in enumerate(steps)]
        days = self.figures.find("days_to_convert")
        if days is not None and days.value is not None:
            spot = self._spot(days, "converted")
            rows.append(BarRow("days", "to convert, on average", (spot, Spot(""), Spot(""))))
        return BarTable("Funnel", ("leads", "kept", "of all"), tuple(rows), "No lead has gone any way yet", (2,))

    def _step(self, step: Step, place: int, several: bool) -> BarRow:
        label = f"{step.mark} {step.figure.label}"
        if several:
            label = f"{label} ({step.pipeline})"
        of_all = step.of_all or 0.0
        shares = tuple(
            Spot("" if one is None else percent(one), None, "muted") for one in (step.of_before, step.of_all)
        )
        spot = self._spot(step.figure, f"reached {step.figure.label}")
        return BarRow((step.pipeline, step.figure.label, place), label, (spot, *shares), of_all / 100)

    def open_statuses(self) -> BarTable:
        """Open leads by the status they are in."""
        everything = self.figures.find("open")
        rows: tuple[BarRow, ...] = ()
        if everything is not None and everything.value:
            rows = self._counted(self.figures.open_statuses, "open")
            rows = (BarRow("all", "All open", (self._spot(everything, "open"),)), *rows)
        return BarTable("Open by status", ("leads",), rows, "No lead is open")

    def reasons(self) -> BarTable:
        """Why leads were lost."""
        rows = self._counted(self.figures.reasons, "lost")
        everything = self.figures.find("lost")
        if rows and everything is not None:
            rows = (BarRow("all", "All lost", (self._spot(everything, "lost"),)), *rows)
        return BarTable("Lost because", ("leads",), rows, "No lead was lost")

    def ageing(self) -> BarTable:
        """Open leads by how long they have been in their status."""
        rows = self._counted(self.figures.ageing, "in their status")
        rotting = self.figures.rotting
        if any(figure.value for figure in self.figures.ageing):
            style = "warning" if rotting.value else ""
            rows = (*rows, BarRow("rotting", "Longer than they should", (self._spot(rotting, style=style),)))
        else:
            rows = ()
        return BarTable("How long in their status", ("leads",), rows, "No lead is open")

    def _counted(self, figures: Iterable[Figure], what: str) -> tuple[BarRow, ...]:
        counted = [(figure, int(figure.value or 0)) for figure in figures]
        most = max((count for _, count in counted), default=0)
        return tuple(
            BarRow(
                figure.key, figure.label, (self._spot(figure, f"{what}: {figure.label}"),),
                count / most if most else 0.0, 0.0,
            )
            for figure, count in counted
        )  # fmt: skip

    def sources(self) -> BarTable:
        """Where leads come from, and what share of them is converted."""
        return self._shares("Sources", self.figures.sources, overdue=False)

    def agents(self) -> BarTable:
        """Who has how many leads, converted, open and overdue."""
        return self._shares("Agents", self.figures.agents, overdue=True)

    def _shares(self, title: str, shares: Sequence[Share], *, overdue: bool) -> BarTable:
        most = max((int(one.total.value or 0) for one in shares), default=0)
        rows = []
        for one in shares:
            spots = [
                self._spot(one.total, one.name),
                self._spot(one.converted, f"{one.name}: converted"),
                Spot(percent(one.rate), None, "muted"),
            ]
            if overdue:
                spots.append(self._spot(one.open, f"{one.name}: open"))
                late = one.overdue is not None and bool(one.overdue.value)
                spots.append(self._spot(one.overdue, f"{one.name}: overdue", style="warning" if late else ""))
            total = int(one.total.value or 0)
            part = int(one.converted.value or 0) / total if total else 0.0
            rows.append(BarRow(one.login or one.name, one.name, tuple(spots), total / most if most else 0.0, part))
        heads = ("all", "won", "rate", *(("open", "late") if overdue else ()))
        return BarTable(title, heads, tuple(rows), "No lead yet")

    def campaigns(self) -> BarTable:
        """How campaigns went: sent and delivered of all, read, failed."""
        rows = tuple(self._campaign(one) for one in self.figures.campaigns)
        return BarTable("Campaigns", ("to", "sent", "deliv.", "read", "failed"), rows, "No campaign yet", (2, 0))

    def _campaign(self, line: CampaignLine) -> BarRow:
        behind = OneCampaign(line.id, line.name)
        failed = Spot(f"{line.failed:,}", behind, "error" if line.failed else "")
        counted = tuple(Spot(f"{one:,}", behind) for one in (line.total, line.sent, line.delivered, line.read))
        share = line.sent / line.total if line.total else 0.0
        part = line.delivered / line.sent if line.sent else 0.0
        return BarRow(line.id, f"{line.name} ({line.status})", (*counted, failed), share, part)


def age_words(seconds: float) -> str:
    """How long ago the figures were known to be right."""
    if seconds < 2:
        return "refreshed now"
    if seconds < 60:
        return f"refreshed {int(seconds)} s ago"
    return f"refreshed {int(seconds // 60)} min ago"
