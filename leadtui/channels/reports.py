"""What comes back: what became of a message, what a lead wrote, what a lead wants. Plain values, as JSON and back.

Each has a `key`: the same thing told twice has the same one, so that the inbox keeps it once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any, ClassVar, Literal

from leadtui.domain.dates import iso_z

State = Literal["sent", "delivered", "read", "failed"]

_KEY_LIMIT = 255


def _key(*parts: str) -> str:
    """Parts joined by `:`; what is too long for the inbox becomes a hash."""
    text = ":".join(parts)
    return text if len(text) <= _KEY_LIMIT else "sha256:" + hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class StatusUpdate:
    """What became of a message of ours, named by the provider's id, or by ours where the provider gives it back."""

    kind: ClassVar[str] = "status"

    channel: str
    state: State
    at: datetime
    provider_id: str = ""
    message_id: int | None = None
    code: str = ""
    text: str = ""
    suppress: str = ""
    """Why the address must not be written to again; "" when it may."""
    cost_minor: int | None = None

    @property
    def key(self) -> str:
        """One of each state for a message."""
        return _key(self.provider_id or f"m.{self.message_id}", self.state)


@dataclass(frozen=True, slots=True)
class Inbound:
    """A message that a lead wrote. The number may be missing where the provider hides it (`user_id` is there then)."""

    kind: ClassVar[str] = "inbound"

    channel: str
    provider_id: str
    at: datetime
    text: str
    address: str = ""
    """E.164 with its plus sign, an e-mail address, or "" unknown."""
    user_id: str = ""
    """The provider's own name of the person (BSUID)."""
    name: str = ""
    type: str = "text"
    """text, button, image, document, audio, video, location, contact, reaction, other."""
    reply_to: str = ""
    """The provider's id of the message it answers."""

    @property
    def key(self) -> str:
        """Once for each message."""
        return _key(self.provider_id, "in")


@dataclass(frozen=True, slots=True)
class Preference:
    """That a person wants messages of a channel no more, or again, told by the provider."""

    kind: ClassVar[str] = "preference"

    channel: str
    wants: bool
    at: datetime
    address: str = ""
    user_id: str = ""
    detail: str = ""

    @property
    def key(self) -> str:
        """Once for each change of mind."""
        return _key(self.address or self.user_id, "wants" if self.wants else "stop", iso_z(self.at))


Report = StatusUpdate | Inbound | Preference

_KINDS: dict[str, type[StatusUpdate] | type[Inbound] | type[Preference]] = {
    "status": StatusUpdate,
    "inbound": Inbound,
    "preference": Preference,
}


def to_payload(report: Report) -> dict[str, Any]:
    """As `inbox_event.payload_json` keeps it."""
    return asdict(report) | {"at": report.at.isoformat()}


def from_payload(kind: str, payload: Mapping[str, Any]) -> Report:
    """A report as it was kept. Raises KeyError, TypeError or ValueError for what is none."""
    made = _KINDS[kind]
    known = {field.name for field in fields(made)}
    values = {key: value for key, value in payload.items() if key in known}
    return made(**values | {"at": datetime.fromisoformat(str(payload["at"]))})
