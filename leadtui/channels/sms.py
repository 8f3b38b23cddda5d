"""Channel `sms`: the provider that its account names (Africa's Talking, Twilio, or a gateway over HTTP)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

from leadtui.channels import sms_africastalking, sms_twilio
from leadtui.channels.http import REQUEST_SECRET, REQUEST_SETTINGS, HttpChannel
from leadtui.channels.port import (
    Account,
    Caps,
    Channel,
    Outgoing,
    Plugin,
    Probe,
    Result,
    Setting,
    Spec,
    StatusUpdate,
)
from leadtui.errors import Refused

PROVIDERS: Final = ("africastalking", "twilio", "http")

_AT, _TWILIO = ("provider", "africastalking"), ("provider", "twilio")


def _of_http(setting: Setting) -> Setting:
    return Setting(setting.key, setting.help, setting.required, setting.default, setting.choices, setting.secret,
                   setting.kind, ("provider", "http"))  # fmt: skip


SPEC = Spec(
    name="sms",
    title="SMS",
    extra="sms",
    settings=(
        Setting("provider", "who sends", required=True, choices=PROVIDERS),
        Setting("username", "the name of the application; sandbox to try", required=True, only=_AT),
        Setting("sender_id", "the sender that is shown, if the account has one", only=_AT),
        Setting("account_sid", "the account, AC…", required=True, only=_TWILIO),
        Setting("from", "the number or name that sends", only=_TWILIO),
        Setting("messaging_service_sid", "or the messaging service, MG…", only=_TWILIO),
        Setting("status_callback", "where Twilio reports to; empty: it is asked", kind="url", only=_TWILIO),
        Setting("base_url", "another address of the provider, such as a relay", kind="url"),
        *(_of_http(setting) for setting in REQUEST_SETTINGS),
        Setting("api_key", "the application's key", required=True, secret=True, only=_AT),
        Setting(
            "webhook_word", "a word in the address of the callbacks, by which they are known", secret=True, only=_AT
        ),
        Setting("auth_token", "the account's token", required=True, secret=True, only=_TWILIO),
        _of_http(REQUEST_SECRET),
    ),
)


class _Provider(Protocol):
    def probe(self) -> Probe: ...
    def send(self, message: Outgoing, deadline_s: float) -> Result: ...
    def poll(self, ids: Sequence[str]) -> tuple[StatusUpdate, ...]: ...


class SmsChannel:
    """The one channel, whoever carries it."""

    name = "sms"

    def __init__(self, account: Account) -> None:
        self._account = account
        self._provider = _provider(account)

    def caps(self) -> Caps:
        """As the provider can."""
        return _caps(self._account)

    def probe(self) -> Probe:
        """Whether the provider knows the account."""
        return self._provider.probe()

    def send(self, message: Outgoing, deadline_s: float) -> Result:
        """Send one text, in as many parts as it needs."""
        return self._provider.send(message, deadline_s)

    def poll(self, ids: Sequence[str]) -> tuple[StatusUpdate, ...]:
        """What became of messages, where the provider can be asked."""
        return self._provider.poll(ids)

    def close(self) -> None:
        """Nothing is held open."""


def _provider(account: Account) -> _Provider:
    match account.need("provider"):
        case "africastalking":
            return sms_africastalking.AfricasTalking(account)
        case "twilio":
            return sms_twilio.Twilio(account)
        case "http":
            return HttpChannel(account, "sms")
    raise Refused(f"there is no SMS provider '{account.get('provider')}'", code="channel_setup", field="provider",
                  hint="one of: " + ", ".join(PROVIDERS))  # fmt: skip


def _caps(account: Account) -> Caps:
    provider = account.get("provider")
    return Caps(
        address="phone", activity="sms", segments=True, max_len=1600 if provider == "twilio" else 1530,
        can_confirm=provider in {"africastalking", "twilio"}, can_poll=provider == "twilio",
        packages={"africastalking": (sms_africastalking.PACKAGE,), "twilio": (sms_twilio.PACKAGE,)}.get(provider, ()),
    )  # fmt: skip


def _open(account: Account) -> Channel:
    return SmsChannel(account)


PLUGIN = Plugin(SPEC, _open, _caps)
