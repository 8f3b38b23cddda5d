"""Alert addresses on screen: typed unseen, never shown again, tried out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from leadtui.screens.record_form import RecordForm
from leadtui.widgets.form import FieldSpec

if TYPE_CHECKING:
    from leadtui.screens.base import LeadScreen


def alerts_field(*, has: bool) -> FieldSpec:
    """The field: what is typed is not shown, and what is kept is not there to be read."""
    return FieldSpec(
        "alerts", "Alerts to", "password", placeholder="kept as they are" if has else "none so far",
        help="addresses as apprise has them, with blanks between; none: no more",
    )  # fmt: skip


def set_alerts(office: Any, login: str, typed: str) -> None:
    """Keep what was typed; nothing typed: all stays. Raises LeadtuiError. Called in a thread."""
    from leadtui.services import alerts

    if addresses := typed.strip():
        alerts.set_addresses(office, login, "" if addresses.casefold() == "none" else addresses)


def ask_own(screen: LeadScreen[Any]) -> None:
    """One's own addresses: their kinds are said, new ones can be typed."""
    office = screen.office
    login = office.actor.login

    def read() -> tuple[str, ...]:
        from leadtui.services import alerts

        return alerts.addresses_shown(office, login)

    def save(changed: dict[str, str]) -> dict[str, Any]:
        set_alerts(office, login, changed.get("alerts", ""))
        return {"kinds": read()}

    def show(kinds: tuple[str, ...]) -> None:
        note = f"Now: {', '.join(kinds)}" if kinds else "You have none. Notices that you do not look at stay here."
        form = RecordForm(
            "Your alert addresses", (alerts_field(has=bool(kinds)),), {"alerts": ""}, save, new=False, note=note
        )
        screen.app.push_screen(form, saved)

    def saved(answer: Any) -> None:
        if answer is not None:
            kinds = answer["kinds"]
            screen.done(f"alerts go to {', '.join(kinds)}" if kinds else "no alert addresses")

    screen.run_blocking(read, then=show)


def send_test(screen: LeadScreen[Any], login: str) -> None:
    """A test to somebody's addresses; what came of it on the bottom line, or as a toast."""
    office = screen.office

    def write() -> tuple[str, ...]:
        from leadtui.services import alerts

        return alerts.test_alert(office, login)

    screen.lead_app.say("sending a test …")
    screen.run_blocking(write, then=lambda kinds: screen.done(f"a test was sent to {', '.join(kinds)}"))
