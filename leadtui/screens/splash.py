"""What is painted first: the frame of a main screen while the screen itself is imported in a thread."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from leadtui.screens.base import LeadScreen


class Splash(LeadScreen[None]):
    """Gives way to the first place as soon as that is imported: imports are most of the start (facts §3.3)."""

    HEADING = "Leads"
    HINTS: ClassVar[tuple[str, ...]] = ("app.close",)

    def __init__(self, load: Callable[[], object], place: str) -> None:
        """`load` imports, in a thread; then the mode `place` is shown."""
        super().__init__()
        self.load = load
        self.place = place
        self.loaded = False

    def on_mount(self) -> None:
        """Import once this is painted."""
        self.call_after_refresh(self.run_blocking, self.load, then=self._loaded)

    def _loaded(self, _: object) -> None:
        self.loaded = True
        self.on_screen_resume()

    def on_screen_resume(self) -> None:
        """Give way, now or when this screen is in front again (a first run may lie over it)."""
        if self.loaded and self.app.screen is self and not self.lead_app.leaving:
            self.app.switch_mode(self.place)
