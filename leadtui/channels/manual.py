"""Channel `manual`: a wa.me link that the agent opens on the phone and confirms (facts/messaging §1.4).

No automation and no terms of service in the way; it works over SSH. It says `HandedOff`, never more: whether the
message went, only the agent knows.
"""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

from leadtui.channels.port import (
    Account,
    Caps,
    Channel,
    Final,
    HandedOff,
    Outgoing,
    Plugin,
    Probe,
    Result,
    Spec,
    StatusUpdate,
)

SPEC = Spec(name="manual", title="By hand (WhatsApp link)", needs_account=False)

MOST_CHARACTERS = 4_096
"""As long as WhatsApp takes a text."""

_CAPS = Caps(
    address="phone", activity="whatsapp", max_len=MOST_CHARACTERS, by_hand=True,
    warning="each message is opened and sent by a person, who then says that it went",
)  # fmt: skip


def link(address: str, text: str) -> str:
    """The address that opens a chat with the text typed in: `https://wa.me/254722000111?text=…`.

    `address` is E.164. Raises ValueError when it holds no digits.
    """
    digits = "".join(character for character in address if character.isascii() and character.isdigit())
    if not digits:
        raise ValueError("a phone number has digits")
    return f"https://wa.me/{digits}?text={quote(text, safe='', errors='replace')}"


class ManualChannel:
    """Hands each message over to a person."""

    name = "manual"

    def caps(self) -> Caps:
        """Text only: a link carries no file."""
        return _CAPS

    def probe(self) -> Probe:
        """Always ready: all it needs is a person with a phone."""
        return Probe(True, "ready", "an agent opens each message on the phone and confirms it")

    def send(self, message: Outgoing, deadline_s: float) -> Result:
        """The link; nothing leaves by itself."""
        if len(message.text) > MOST_CHARACTERS:
            return Final("too_long", f"{len(message.text)} characters; WhatsApp takes {MOST_CHARACTERS}")
        try:
            return HandedOff(link(message.address, message.text), "open the link and send it, then confirm")
        except ValueError:
            return Final("bad_address", "the address is no phone number")

    def poll(self, ids: Sequence[str]) -> tuple[StatusUpdate, ...]:
        """Nothing: only a person knows."""
        return ()

    def close(self) -> None:
        """Nothing is held open."""


def _open(account: Account) -> Channel:
    return ManualChannel()


PLUGIN = Plugin(SPEC, _open, lambda account: _CAPS)
