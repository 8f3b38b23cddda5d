"""Leads that are offered to the person and to others: who claims one first has it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, tzinfo
from typing import TYPE_CHECKING, Any

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widgets import Button

from leadtui.errors import LeadtuiError, NotFound
from leadtui.screens.base import LeadModal, LeadScreen
from leadtui.widgets.sheet import Sheet
from leadtui.widgets.sheet_lines import Line, stack, text
from leadtui.widgets.text import one_line

if TYPE_CHECKING:
    from leadtui.domain.records import Done
    from leadtui.services.offers import OfferRow


class OffersDialog(LeadModal[None]):
    """The open offers; enter claims the one under the cursor. `number`: where the cursor begins."""

    CSS = """
    OffersDialog > .dialog { width: 78; height: 14; }
    OffersDialog Sheet { height: 1fr; }
    """

    def __init__(self, number: str = "") -> None:
        super().__init__()
        self.number = number

    def body(self) -> ComposeResult:
        """The offers, buttons."""
        with Vertical(classes="dialog") as box:
            box.border_title = "Offered to you: enter claims"
            yield Sheet(id="offers")
            with Horizontal(classes="buttons"):
                yield Button("Close", id="close")

    def office_ready(self) -> None:
        """Read them."""
        self.query_one(Sheet).focus()
        self._load()

    def _load(self) -> None:
        self.run_blocking(read_mine, self.office, then=self._show, group="offers")

    def _show(self, found: Sequence[OfferRow]) -> None:
        sheet, tz = self.query_one(Sheet), self.office.tz
        lines = [
            Line(
                text((f"{one.lead_number}  ", "strong"), one_line(offer_words(one.area, one.package))),
                text((f"until {local(one.until, tz)}", "warning")), one, f"o{one.id}",
            )
            for one in found
        ]  # fmt: skip
        none = [Line(text(("Nothing is offered to you now.", "muted")))]
        sheet.show(lambda width: stack(lines or none, width))
        numbers = [one.lead_number for one in found]
        if self.number in numbers:
            sheet.at = numbers.index(self.number)
            sheet.refresh()

    def leads_changed(self, ids: frozenset[int]) -> None:
        """One was taken."""
        if self.office is not None:
            self._load()

    @on(Sheet.Opened)
    def opened(self, event: Sheet.Opened) -> None:
        """Claim it."""
        one: Any = event.item
        if one is not None:
            claim(self, one.lead_id, one.lead_number)

    @on(Button.Pressed, "#close")
    def close_it(self) -> None:
        """Back."""
        self.dismiss(None)


def read_mine(office: Any) -> Sequence[OfferRow]:
    """The open offers of the person. In a thread."""
    from leadtui.services import offers

    found: Sequence[OfferRow] = offers.mine(office)
    return found


def offer_words(area: str | None, package: str | None) -> str:
    """What is said of a lead to whom it is not shown yet: where, and what it wants."""
    return ", ".join(one for one in (area, package) if one) or "no more is known yet"


def local(at: datetime, tz: tzinfo) -> str:
    """A time of today as a clock shows it."""
    return f"{at.astimezone(tz):%H:%M}"


def claim(screen: LeadScreen[Any], lead_id: int | str, number: str) -> None:
    """Claim a lead: it opens when it was won; who was faster is said when it was not."""
    office = screen.office

    def write() -> Done:
        from leadtui.services import offers

        return offers.claim(office, lead_id)

    def won(done: Done) -> None:
        from leadtui.screens.lead_detail import LeadDetailScreen

        app = screen.lead_app
        screen.changed([done.lead.id])
        if isinstance(screen, OffersDialog):
            screen.dismiss(None)
        app.push_screen(LeadDetailScreen(done.lead.id))
        app.notify(f"{number} is yours")

    def lost(error: Exception) -> None:
        app = screen.lead_app
        if isinstance(error, NotFound):
            app.notify(f"{number} is not offered to you any more", severity="warning")
        elif isinstance(error, LeadtuiError):
            app.notify(f"{number}: {error.message}", severity="warning")
        else:
            app.report(error)
            return
        screen.changed()

    screen.run_blocking(write, then=won, failed=lost, group="offers.claim")


def claim_named(screen: LeadScreen[Any], notice: str) -> None:
    """Claim the lead that a notice of an offer names."""
    words = set(notice.split())

    def came(found: Sequence[OfferRow]) -> None:
        one = next((one for one in found if one.lead_number in words), None)
        if one is None:
            screen.lead_app.notify("The offer is over", severity="warning")
        else:
            claim(screen, one.lead_id, one.lead_number)

    screen.run_blocking(read_mine, screen.office, then=came, group="offers.find")
