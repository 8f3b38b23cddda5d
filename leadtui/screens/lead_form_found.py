"""The line under the lead form that says who has the same phone or email already, found while it is typed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from textual.content import Content
from textual.timer import Timer
from textual.widgets import Static

from leadtui.screens.lead_form_fields import DUPLICATE_KEYS
from leadtui.widgets.text import one_line

if TYPE_CHECKING:
    from leadtui.domain.records import DuplicateHit
    from leadtui.screens.base import LeadModal

DEBOUNCE_SECONDS = 0.25
SHOWN = 3


class FoundLine(Static):
    """Looks a moment after the last key, off the UI thread; shows nothing when nothing is found."""

    DEFAULT_CSS: ClassVar[str] = """
    FoundLine { height: auto; max-height: 4; color: $text-warning; padding: 0 1; display: none; }
    FoundLine.-any { display: block; }
    """

    def __init__(self, owner: LeadModal[Any], exclude_id: int | None) -> None:
        super().__init__("", markup=False)
        self.owner = owner
        self.exclude_id = exclude_id
        self.hits: tuple[DuplicateHit, ...] = ()
        self._timer: Timer | None = None

    @property
    def lead_id(self) -> int | None:
        """The first lead found that the person may see (spec AJ34)."""
        return next((hit.lead_id for hit in self.hits if hit.lead_id is not None), None)

    @property
    def blocks(self) -> bool:
        """Whether a second lead with this phone is refused in this office."""
        return any(hit.blocks for hit in self.hits)

    def look_soon(self, values: Callable[[], Mapping[str, str]]) -> None:
        """A key was pressed: look when the person rests."""
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.set_timer(DEBOUNCE_SECONDS, lambda: self.look(values()))

    def look(self, values: Mapping[str, str]) -> None:
        """Look now."""
        office = self.owner.office
        typed = {key: text for key, text in values.items() if key in DUPLICATE_KEYS and text.strip()}
        if not typed:
            self._show(())
            return

        def find() -> tuple[DuplicateHit, ...]:
            from leadtui.services import leads

            return leads.duplicates(office, typed, exclude_id=self.exclude_id)

        # A half-typed phone is no error yet: whatever the service says of it, nothing is found.
        self.owner.run_blocking(find, then=self._show, failed=lambda _: self._show(()), group="form.duplicates")

    def _show(self, hits: tuple[DuplicateHit, ...]) -> None:
        self.hits = hits
        self.set_class(bool(hits), "-any")
        if not hits:
            return
        words = "\n".join(f"! {one_line(hit.sentence)}" for hit in hits[:SHOWN])
        ways = ""
        if self.lead_id is not None:
            link = " · ^l link: fill its blanks from here" if self.exclude_id is None else ""
            ways = f"\n  ^o open it{link}"
        self.update(Content(words + ways))
