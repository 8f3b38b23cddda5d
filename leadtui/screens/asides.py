"""Screens that lie beside the main ones and are shown from several of them: what has to do with writing to leads."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from textual.app import App


class Asides:
    """The commands of the app that show them; a screen may have a method of the same name instead."""

    def _aside(self, module: str, name: str) -> None:
        """Import the screen now, not before, and show it over the present one; not twice."""
        app = cast("App[Any]", self)
        screen = getattr(import_module(f"leadtui.screens.{module}"), name)
        if not isinstance(app.screen, screen):
            app.push_screen(screen())

    def do_drips(self) -> None:
        """Messages and tasks that follow one another over time."""
        self._aside("drips", "DripsScreen")

    def do_templates(self) -> None:
        """Texts that are sent again and again."""
        self._aside("templates", "TemplatesScreen")

    def do_channels(self) -> None:
        """What messages are sent by."""
        self._aside("channels", "ChannelsScreen")

    def do_suppressions(self) -> None:
        """Addresses that want no messages."""
        self._aside("suppressions", "SuppressionsScreen")

    def do_handed(self) -> None:
        """What was handed to a phone or a browser, and nobody knows whether it went."""
        self._aside("handing_over", "HandingOver")
