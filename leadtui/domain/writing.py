"""One message to one lead before it is written: by what it can go, and how it would read. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from leadtui.errors import Invalid

from . import templates
from .sms import Segments, segments


@dataclass(frozen=True, slots=True)
class Way:
    """A channel for one lead. `why_not` says in words why it cannot be written to by it; "" where it can."""

    channel: str
    title: str
    address: str | None
    why_not: str
    has_subject: bool = False
    segments: bool = False
    max_len: int | None = None
    templates_only: bool = False
    """The lead has not written within 24 hours: only approved templates are taken."""
    warning: str = ""
    answered: str = ""
    """How the lead answered on it before: "3 of 5 answered"."""

    @property
    def ready(self) -> bool:
        """Whether the lead can be written to by it now."""
        return not self.why_not


@dataclass(frozen=True, slots=True)
class Text:
    """A template that may be chosen."""

    id: int
    name: str
    channel: str | None
    subject: str | None
    body: str
    is_approved: bool
    """It stands for a template approved by the provider."""


@dataclass(frozen=True, slots=True)
class Preview:
    """How a message would read. `problem` says why it would not be sent as it is; "" when it would."""

    text: str
    subject: str | None
    missing: tuple[str, ...]
    problem: str
    segments: Segments | None = None

    @property
    def length_words(self) -> str:
        """How long it is: in parts where it goes as an SMS, else in characters."""
        if self.segments is not None:
            return self.segments.words
        return f"{len(self.text):,} character" + ("" if len(self.text) == 1 else "s")


def read(
    way: Way | None, body: str, subject: str | None, values: Mapping[str, str | None], *,
    hidden: Collection[str] = (), approved: bool = False,
) -> Preview:  # fmt: skip
    """The message as the lead would read it, by the lead's `values`. What is wrong with it is said, not raised."""
    try:
        shown = templates.parse(body, hidden=hidden, field="text").render(values)
        head = templates.parse(subject or "", hidden=hidden, field="subject").render(values)
    except Invalid as error:
        return Preview(body, subject, (), f"{error.message} ({error.hint})" if error.hint else error.message)
    missing = tuple(dict.fromkeys((*head.missing, *shown.missing)))
    length = segments(shown.text) if way is not None and way.segments else None
    problem = ""
    if not shown.text.strip():
        problem = "There is no text yet"
    elif missing:
        problem = (
            "The lead has no " + ", ".join(f"{{{key}}}" for key in missing) + "; {name|there} says what stands instead"
        )
    elif way is not None and way.max_len is not None and len(shown.text) > way.max_len:
        problem = f"{len(shown.text):,} characters; {way.title} takes at most {way.max_len:,}"
    elif way is not None and way.templates_only and not approved:
        problem = f"{way.title} takes only approved templates until the lead writes again"
    return Preview(shown.text, head.text or None, missing, problem, length)
