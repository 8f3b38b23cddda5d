"""What is asked of a channel, and the few answers it may give (facts/messaging §3).

Cheap to import, knows no library. Services and tests depend on this module alone; channels are opened by
`leadtui.channels.registry`. What a channel is told of later (reports, replies) is in `reports`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from pathlib import Path
from typing import Any, Literal, Protocol, runtime_checkable

from leadtui.channels.reports import Inbound, Preference, Report, State, StatusUpdate
from leadtui.domain.hidden import Secret
from leadtui.domain.money import exponent
from leadtui.errors import Refused
from leadtui.text import strip_segment

__all__ = [
    "Accepted",
    "Account",
    "Attachment",
    "Caps",
    "Channel",
    "Final",
    "HandedOff",
    "Inbound",
    "Keeper",
    "Outgoing",
    "Pause",
    "Plugin",
    "Preference",
    "Probe",
    "ProviderTemplate",
    "Report",
    "Result",
    "Retry",
    "Secret",
    "Sent",
    "Setting",
    "Spec",
    "State",
    "StatusUpdate",
    "Unknown",
    "said",
]

_HIDDEN_FROM = 4
"""Shorter secrets are no secrets, and would tear holes into words."""

_SAID_LIMIT = 300

AddressKind = Literal["phone", "email", "any"]


# -- what a channel can do ---------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Caps:
    """What a channel can do with an account as it is set up; asked without touching the network."""

    address: AddressKind = "phone"
    """What a lead must have to be written to."""
    activity: str = "other"
    """The type of the activity a message leaves on the timeline: whatsapp, sms, email, other."""
    max_len: int | None = None
    """Characters of the text; None: no limit of the channel's own."""
    has_subject: bool = False
    media: tuple[str, ...] = ()
    """MIME types it can attach, `image/*` and `*/*` included; empty: it attaches nothing."""
    max_media_bytes: int = 0
    segments: bool = False
    """Billed by segments as SMS are; see `leadtui.domain.sms`."""
    needs_template: bool = False
    """Outside of 24 hours after the lead's last message only templates approved by the provider are taken."""
    can_confirm: bool = False
    """The provider reports `delivered`, to a webhook or when polled."""
    can_poll: bool = False
    """`poll` answers what became of messages."""
    by_hand: bool = False
    """A person must say whether it went: `HandedOff` is the best answer it gives."""
    unicode: bool = True
    packages: tuple[str, ...] = ()
    """Python packages it needs with this account; the extra of its spec brings them."""
    lease: str | None = None
    """Only the holder of the lease of this name may send; None: any number of processes."""
    is_local: bool = False
    """It depends on this machine (a display, a browser): other machines leave its messages alone."""
    spaced: bool = False
    """Messages are spread evenly over the minute, also when few wait."""
    per_minute: int | None = None
    daily_unique: int | None = None
    gap_s: int | None = None
    """Limits where the account sets none: messages a minute, different leads a day, seconds between two to one."""
    warning: str = ""
    """What a person should know before the first campaign on it."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One thing an account is told; `secret` ones are kept encrypted and never shown."""

    key: str
    help: str
    required: bool = False
    default: str = ""
    choices: tuple[str, ...] = ()
    secret: bool = False
    kind: Literal["text", "number", "url", "file", "json"] = "text"
    only: tuple[str, str] | None = None
    """(key, value): asked for only where another setting has this value."""


@dataclass(frozen=True, slots=True)
class Spec:
    """How a channel is called and set up."""

    name: str
    title: str
    settings: tuple[Setting, ...] = ()
    extra: str = ""
    """The extra of the package to install for it: cloud, sms, whatsapp-web; empty: none."""
    needs_account: bool = True
    """False: it works without being set up."""


@dataclass(frozen=True, slots=True)
class Probe:
    """Whether a channel would work now: `ok`, a stable code, and words. `ready` is the code of those that do."""

    ok: bool
    code: str
    text: str
    hint: str = ""


def said(text: str) -> str:
    """What the other side said, as one short line that is safe to show."""
    return " ".join(strip_segment(text.replace("\n", " ")).split())[:_SAID_LIMIT]


# -- what it is given --------------------------------------------------------------------------------------------------
class Keeper(Protocol):
    """What a channel may remember between processes, such as the id of an uploaded file. Never secrets."""

    def get(self, key: str) -> Any:
        """What was kept under `key` and is not over yet; None otherwise."""

    def put(self, key: str, value: Any, until: datetime) -> None:
        """Keep a JSON value until a moment. Never raises: what is not kept is done again."""


class _Here(dict[str, Any]):
    """A keeper for one process: tests, and channels opened without a database."""

    def put(self, key: str, value: Any, until: datetime) -> None:
        self[key] = value


@dataclass(frozen=True, slots=True)
class Account:
    """How the office sends on a channel: its settings, its secrets by name, what it remembers."""

    channel: str
    config: Mapping[str, Any] = field(default_factory=dict)
    secrets: Mapping[str, Secret] = field(default_factory=dict)
    currency: str = ""
    """The office's currency: costs in another one are not told as ours."""
    keeper: Keeper = field(default_factory=_Here, compare=False, repr=False)

    def get(self, key: str, default: str = "") -> str:
        """A setting as text, without blanks around it."""
        value = self.config.get(key)
        return default if value is None or str(value).strip() == "" else str(value).strip()

    def need(self, key: str) -> str:
        """A setting that must be there. Raises Refused `channel_setup` naming it."""
        if found := self.get(key):
            return found
        raise Refused(
            f"the channel {self.channel} is not set up: {key} is missing", code="channel_setup", field=key,
            hint=f"leadtui channel set {self.channel} --set {key}=…",
        )  # fmt: skip

    def secret(self, key: str, *, optional: bool = False) -> str:
        """A secret, in clear; call it only where it goes onto the wire. Raises Refused `channel_setup`."""
        if (found := self.secrets.get(key)) and found.reveal():
            return found.reveal()
        if optional:
            return ""
        raise Refused(
            f"the channel {self.channel} is not set up: the secret {key} is missing", code="channel_setup", field=key,
            hint=f"leadtui channel set {self.channel} --secret-stdin (a line {key}=…)",
        )  # fmt: skip

    def said(self, text: str) -> str:
        """What the other side said, as one short line, without secrets of ours that it may repeat."""
        for secret in self.secrets.values():
            if len(value := secret.reveal()) >= _HIDDEN_FROM:
                text = text.replace(value, "•••")
        return said(text)

    def minor(self, amount: str, currency: str) -> int | None:
        """A cost as a provider tells it ("0.8000", "KES"), in minor units of the office's currency; None in others."""
        try:
            value = abs(Decimal(amount.strip()))
        except InvalidOperation:
            return None
        if not value.is_finite() or not self.currency or currency.strip().upper() != self.currency:
            return None
        return int(value.scaleb(exponent(self.currency)).to_integral_value(ROUND_HALF_UP))


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that goes along."""

    path: Path
    name: str
    type: str
    """Its MIME type."""


@dataclass(frozen=True, slots=True)
class ProviderTemplate:
    """A template approved by the provider, its parameters rendered already."""

    name: str
    language: str
    params: tuple[str, ...] = ()
    header: tuple[str, ...] = ()
    """Text parameters of the header; a media header takes the attachment."""
    names: tuple[str, ...] = ()
    """Names of `params` where the template has named ones; empty: by place."""
    buttons: tuple[str, ...] = ()
    """The changing end of each button's address, by place; "" for a button without one."""

    @classmethod
    def of(cls, data: Mapping[str, Any] | None) -> ProviderTemplate | None:
        """Of `message.provider_json`: name, language, params, header, names, buttons. None of nothing."""
        if not data or not data.get("name"):
            return None
        texts = {
            key: tuple(str(part) for part in data.get(key) or ()) for key in ("params", "header", "names", "buttons")
        }
        return cls(name=str(data["name"]), language=str(data.get("language") or "en"), **texts)


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One message to one address, rendered; nothing in it is evaluated."""

    message_id: int
    address: str
    """E.164 with its plus sign, or an e-mail address."""
    text: str
    at: datetime
    """Now, by the office's clock."""
    subject: str | None = None
    campaign_id: int | None = None
    campaign: str | None = None
    """The campaign's name."""
    attachment: Attachment | None = None
    template: ProviderTemplate | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    """What the campaign says to its channel, such as {"out": PATH}."""
    in_window: bool = False
    """The lead wrote on this channel within the last 24 hours."""
    attempt: int = 0
    """How often it was tried before."""

    @property
    def thread(self) -> str:
        """`c.12.345` or `m.345`: the same on every try, so that a second copy can be told by whoever receives it."""
        return f"c.{self.campaign_id}.{self.message_id}" if self.campaign_id is not None else f"m.{self.message_id}"


# -- what it answers ---------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Accepted:
    """The provider took it and will send it; whether it arrives is told later, or never."""

    id: str
    text: str = ""
    cost_minor: int | None = None


@dataclass(frozen=True, slots=True)
class Sent:
    """It has left for the addressee; nothing more will be told unless the provider reports it."""

    id: str = ""
    text: str = ""
    cost_minor: int | None = None


@dataclass(frozen=True, slots=True)
class HandedOff:
    """It lies before a person or a browser; only a person can say that it went."""

    link: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Retry:
    """Nothing was sent; again after `after_s` seconds, the sender's own back-off if that is longer.

    `scope`: "account" when nothing at all should go on it before then. `most`: not more often than this altogether.
    """

    after_s: float
    code: str
    text: str
    scope: Literal["message", "account"] = "message"
    most: int | None = None


@dataclass(frozen=True, slots=True)
class Final:
    """Nothing was sent and nothing will be to this address. `suppress`: why it must not be written to again, or ""."""

    code: str
    text: str
    suppress: str = ""


@dataclass(frozen=True, slots=True)
class Pause:
    """Nothing was sent, and the next would fare alike: the campaign, or all of the account, waits for a person.

    The message itself goes back to waiting: it is not spent on a mistake of the setup.
    """

    code: str
    text: str
    scope: Literal["campaign", "account"] = "account"


@dataclass(frozen=True, slots=True)
class Unknown:
    """Nobody knows whether it went. It is never sent again by itself; a report, a poll or a person settles it."""

    code: str
    text: str
    id: str = ""


Result = Accepted | Sent | HandedOff | Retry | Final | Pause | Unknown


@runtime_checkable
class Channel(Protocol):
    """An open channel. Used by one thread at a time; opening touches no network.

    `send` waits no longer than `deadline_s` and raises nothing that the other side can cause.
    """

    name: str

    def caps(self) -> Caps:
        """What it can do."""

    def probe(self) -> Probe:
        """Whether it would work now; may ask the provider, never sends anything to a lead."""

    def send(self, message: Outgoing, deadline_s: float) -> Result:
        """Send one message and say what came of it."""

    def poll(self, ids: Sequence[str]) -> tuple[StatusUpdate, ...]:
        """What became of messages, by the provider's ids; () where `caps().can_poll` is False. May raise OtherSide."""

    def close(self) -> None:
        """Let go of connections; may be called twice."""


@dataclass(frozen=True, slots=True)
class Plugin:
    """What an entry point of the group `leadtui.channels` names (docs/dev-channels.md)."""

    spec: Spec
    open: Callable[[Account], Channel]
    caps: Callable[[Account], Caps]
    """Asked also where the channel cannot be opened."""
