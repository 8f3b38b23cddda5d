"""The text of a message with places for a lead's fields: `Hi {name|there}, {package} is {monthly_fee} a month.`

`{name}` must have a value, `{name|there}` says what stands there without one, `{{` and `}}` are braces. A template is
read once into pieces and put together again from values: nothing in it is ever evaluated, and what a value holds is
never read as a template (spec §P 125; facts/messaging §5.2). Pure.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from leadtui.errors import Invalid
from leadtui.text import fold, shorten

from .fields import BY_KEY, header_key
from .filters.catalogue import nearest

MOST_CHARS: Final = 4096
"""A template is no longer than this: what WhatsApp takes as one text."""

CUSTOM: Final = "custom."
_NAME_LIMIT = 80


@dataclass(frozen=True, slots=True)
class Placeholder:
    """A field that a message may show, with what it looks like in one. `fields` are those of the lead it tells of."""

    key: str
    label: str
    example: str
    aliases: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()


def _field(key: str, example: str, *more: str) -> Placeholder:
    """One that is a field of the lead; its own other names count, too."""
    field = BY_KEY[key]
    return Placeholder(key, field.label, example, (*field.aliases, *more), (key,))


PLACEHOLDERS: Final[tuple[Placeholder, ...]] = (
    _field("name", "Amina Otieno"),
    Placeholder("first_name", "First name", "Amina", ("firstname", "first name"), ("name",)),
    _field("phone", "+254 722 000111"),
    _field("alt_phone", "+254 733 000222"),
    _field("email", "amina@example.com"),
    _field("number", "LD-202611-0001"),
    _field("unit_number", "B12"),
    _field("location", "Kilimani"),
    _field("address", "12 Argwings Kodhek Rd"),
    _field("city", "Nairobi"),
    _field("state", "Nairobi County"),
    _field("pincode", "00100"),
    _field("package", "Home 10 Mbps", "package_name", "plan_name"),
    _field("product_interest", "fibre at home"),
    _field("property_type", "apartment"),
    _field("current_isp", "Other ISP"),
    _field("router_type", "TP-Link"),
    _field("brought_in_by", "John Mwangi"),
    _field("installation_fee", "KES 2,500"),
    _field("monthly_fee", "KES 1,999"),
    Placeholder("total_amount", "Total", "KES 4,499", ("total",), ("installation_fee", "monthly_fee")),
    _field("budget", "KES 250,000"),
    _field("follow_up", "Fri 27 Nov, 14:00"),
    Placeholder("agent", "Agent", "Jane", ("agent_name", "agent name"), ("assigned_to",)),
    Placeholder("agent_phone", "Agent's phone", "+254 711 000333", ("agent phone",), ("assigned_to",)),
    Placeholder("company", "Company", "Savanna Fibre", ("company_name", "business")),
)
"""What may stand in a message: never ids, notes, scores or identity papers. `custom.NAME` is a custom field."""

_BY_KEY: Final = {one.key: one for one in PLACEHOLDERS}
_BY_WORD: Final = {
    **{header_key(word): one.key for one in reversed(PLACEHOLDERS) for word in one.aliases},
    **{header_key(one.key): one.key for one in PLACEHOLDERS},
}


def placeholders(hidden: Collection[str] = ()) -> tuple[Placeholder, ...]:
    """Those that somebody may use whose role does not see the fields `hidden`."""
    return tuple(one for one in PLACEHOLDERS if not set(one.fields) & set(hidden))


def placeholder(word: str) -> str | None:
    """The key that a word in braces means, in any case and spelling (`mobile` is `phone`); None for nothing known."""
    name = word.strip()
    if name[: len(CUSTOM)].casefold() == CUSTOM:
        custom = name[len(CUSTOM) :].strip()
        return CUSTOM + fold(custom) if custom else None
    return _BY_WORD.get(header_key(name))


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value goes; `default` is what stands there without one, None where there must be one."""

    key: str
    default: str | None = None


@dataclass(frozen=True, slots=True)
class Rendered:
    """What became of a template with one lead's values. `missing` are places that need a value and got none."""

    text: str
    missing: tuple[str, ...] = ()


@dataclass(frozen=True)
class Template:
    """A text that was read: pieces of plain text, and places between them."""

    text: str
    pieces: tuple[str | Place, ...]

    @cached_property
    def fields(self) -> tuple[str, ...]:
        """The placeholders it uses, each once, in the order of their first use."""
        return tuple(dict.fromkeys(piece.key for piece in self.pieces if isinstance(piece, Place)))

    @cached_property
    def required(self) -> tuple[str, ...]:
        """Those that must have a value."""
        return tuple(
            dict.fromkeys(piece.key for piece in self.pieces if isinstance(piece, Place) and piece.default is None)
        )

    def missing(self, values: Mapping[str, str | None]) -> tuple[str, ...]:
        """The places that need a value and have none in `values`."""
        return tuple(key for key in self.required if not values.get(key))

    def render(self, values: Mapping[str, str | None]) -> Rendered:
        """The message for one lead. What a value holds goes in as it is, braces too; an empty one is no value.

        A place that needs a value and has none stays as `{name}` in the text, and is named in `missing`: such a text
        is for looking at, never for sending.
        """
        parts: list[str] = []
        for piece in self.pieces:
            if isinstance(piece, str):
                parts.append(piece)
                continue
            value = values.get(piece.key)
            if not value:
                value = "{" + piece.key + "}" if piece.default is None else piece.default
            parts.append(value)
        return Rendered("".join(parts), self.missing(values))


def parse(text: str, *, hidden: Collection[str] = (), field: str = "template") -> Template:
    """Read a template. Fields that are `hidden` from the role of who writes it are unknown to it.

    Raises Invalid naming the line and column of what is wrong, with what could stand there; its `data` holds
    `position` (from 0), `line` and `column` (from 1).
    """
    if len(text) > MOST_CHARS:
        raise Invalid(
            f"{field} is too long: {len(text):,} characters", field=field, hint=f"at most {MOST_CHARS:,} characters"
        )
    return Template(text, tuple(_Reader(text, frozenset(hidden), field).pieces()))


def literal(text: str) -> str:
    """A template that renders to exactly this text: its braces doubled."""
    return text.replace("{", "{{").replace("}", "}}")


class _Reader:
    def __init__(self, text: str, hidden: frozenset[str], field: str) -> None:
        self.text, self.hidden, self.field = text, hidden, field
        self.keys = frozenset(one.key for one in placeholders(hidden))

    def pieces(self) -> list[str | Place]:
        """Plain text and places, in order; no two plain texts stand beside each other."""
        found: list[str | Place] = []
        plain: list[str] = []
        at, text = 0, self.text
        while at < len(text):
            char = text[at]
            if char in "{}" and text[at : at + 2] == char * 2:
                plain.append(char)
                at += 2
            elif char == "}":
                raise self._wrong(at, "a '}' closes nothing", "write }} for a brace")
            elif char == "{":
                place, at = self._place(at)
                if plain:
                    found.append("".join(plain))
                    plain = []
                found.append(place)
            else:
                end = min((i for i in (text.find("{", at), text.find("}", at)) if i >= 0), default=len(text))
                plain.append(text[at:end])
                at = end
        return [*found, "".join(plain)] if plain else found

    def _place(self, start: int) -> tuple[Place, int]:
        """The place that begins with the brace at `start`, and where the text goes on."""
        end = self.text.find("}", start)
        if end < 0:
            raise self._wrong(start, "this '{' is never closed", "write {name}, or {{ for a brace")
        inner = self.text[start + 1 : end]
        if "{" in inner:
            raise self._wrong(start + 1 + inner.index("{"), "a '{' inside braces", "write {name}, or {{ for a brace")
        if "\n" in inner:
            raise self._wrong(start, "this '{' is not closed on its line", "write {name}, or {{ for a brace")
        word, bar, default = inner.partition("|")
        if not word.strip():
            raise self._wrong(start, "the braces are empty", "write {name}, or {{ for a brace")
        key = placeholder(word)
        if key is None or len(key) > _NAME_LIMIT or not self._may_use(key):
            raise self._wrong(
                start + 1, f"'{shorten(word.strip(), 40)}' is no placeholder", self._suggestions(word), key="unknown"
            )
        return Place(key, default if bar else None), end + 1

    def _may_use(self, key: str) -> bool:
        return key not in self.hidden if key.startswith(CUSTOM) else key in self.keys

    def _suggestions(self, word: str) -> str:
        keys = [one.key for one in PLACEHOLDERS if self._may_use(one.key)]
        near = nearest(header_key(word).replace(" ", "_"), keys)
        return near or "one of: " + ", ".join(f"{{{key}}}" for key in keys[:8]) + " …, or {custom.NAME}"

    def _wrong(self, at: int, what: str, expected: str, *, key: str = "") -> Invalid:
        before = self.text[:at]
        line, column = before.count("\n") + 1, at - (before.rfind("\n") + 1) + 1
        where = f"line {line}, column {column}" if "\n" in self.text else f"column {column}"
        return Invalid(
            f"{self.field}, {where}: {what}", field=self.field, hint=expected,
            code="unknown_placeholder" if key else "template",
            data={"position": at, "line": line, "column": column},
        )  # fmt: skip
