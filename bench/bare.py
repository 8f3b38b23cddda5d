"""The yardstick of a start: the smallest Textual app that shows a word."""

from textual.app import App, ComposeResult
from textual.widgets import Static


class Bare(App[None]):
    """One line of text."""

    def compose(self) -> ComposeResult:
        """The line."""
        yield Static("bare app is here")


if __name__ == "__main__":
    Bare().run()
