"""How a text reads for one lead, beside or below the fields: to whom, subject, text, how long it is, what is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Static

from leadtui.widgets.text import fit, one_line

if TYPE_CHECKING:
    from leadtui.services.rehearsal import Sample


class CampaignPreview(Vertical):
    """Shows; takes no keys. What it shows stays until the next is there."""

    DEFAULT_CSS: ClassVar[str] = """
    CampaignPreview { height: 8; background: $background; }
    CampaignPreview #to { height: 1; text-style: bold; background: $panel; padding: 0 1; }
    CampaignPreview:ansi #to { background: ansi_default; text-style: bold reverse; }
    CampaignPreview VerticalScroll { height: 1fr; padding: 0 1; }
    CampaignPreview #message { height: auto; }
    CampaignPreview #wrong { height: auto; color: $text-warning; padding: 0 1; }
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.sample: Sample | None = None
        """What is shown."""
        self._caps: Any = None
        self._words = ""

    def compose(self) -> ComposeResult:
        """To whom, what is wrong, the message."""
        yield Static("", id="to", markup=False)
        yield Static("", id="wrong", markup=False)
        with VerticalScroll(can_focus=False):
            yield Static("", id="message", markup=False)

    def on_mount(self) -> None:
        """Nothing is wrong yet."""
        self.query_one("#wrong").display = False

    def on_resize(self) -> None:
        """The first line has two sides."""
        self._head()

    def say(self, words: str) -> None:
        """There is nothing to show, because …"""
        self.sample, self._words = None, words
        self._draw()

    def show(self, sample: Sample, caps: Any = None) -> None:
        """A message as this lead would get it on a channel with these `caps`."""
        self.sample, self._caps, self._words = sample, caps, ""
        self._draw()

    def _draw(self) -> None:
        sample = self.sample
        self._head()
        wrong = "" if sample is None else _wrong(sample)
        line = self.query_one("#wrong", Static)
        line.update(Content(one_line(wrong)))
        line.display = bool(wrong)
        if sample is None:
            self.query_one("#message", Static).update(Content.styled(self._words, "dim"))
            return
        parts: list[str | tuple[str, str]] = []
        if sample.subject:
            parts += [(one_line(sample.subject), "bold"), "\n"]
        parts.append(printable(sample.text))
        self.query_one("#message", Static).update(Content.assemble(*parts))

    def _head(self) -> None:
        sample, width = self.sample, self.size.width - 2
        if sample is None:
            words = "Preview"
        else:
            long = length_words(sample, self._caps)
            room = max(width - len(long) - 2, 0)
            who = f"For {one_line(sample.lead_name or sample.lead_number)}"
            if sample.address and cell_len(who) + cell_len(sample.address) + 1 <= room:
                who += f" {sample.address}"
            words = f"{fit(who, room)}  {long}"
        self.query_one("#to", Static).update(Content(words))


def printable(text: str) -> str:
    """A text of several lines, each without controls."""
    return "\n".join(one_line(line) for line in text.splitlines())


def length_words(sample: Sample, caps: Any) -> str:
    """How long it is, in what the channel counts: SMS, or characters of those it takes."""
    if caps is not None and caps.segments and sample.segments is not None:
        counted = sample.segments
        return f"{counted.count} SMS, {counted.left} left"
    length = len(sample.text)
    most = caps.max_len if caps is not None else None
    return f"{length:,} of {most:,}" if most else f"{length:,} characters"


def _wrong(sample: Sample) -> str:
    """Why this lead would not get it."""
    if sample.missing:
        places = ", ".join(f"{{{key}}}" for key in sample.missing)
        return f"not sent: no value for {places}; write {{{sample.missing[0]}|…}} for what stands there instead"
    return f"not sent: {sample.why_not}" if sample.reason else ""
