"""What SMS providers tell a webhook, as reports of ours. Pure; forms are taken as they came, from anybody."""

from __future__ import annotations

import hmac
from base64 import b64encode
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final
from urllib.parse import urlsplit, urlunsplit

from leadtui import clock
from leadtui.channels.port import Account, Inbound, Preference, Report, State, StatusUpdate, said
from leadtui.channels.sms_twilio import OPTED_OUT, STATES
from leadtui.text import strip_controls

_NAME: Final = "sms"
_TEXT_LIMIT = 4096
_AT_STATES: Final[Mapping[str, State]] = {
    "sent": "sent", "success": "delivered", "failed": "failed", "rejected": "failed", "expired": "failed",
    "absentsubscriber": "failed",
}  # fmt: skip
_AT_SUPPRESS: Final = frozenset({"UserInBlackList", "UserInBlacklist"})


# -- Africa's Talking --------------------------------------------------------------------------------------------------
def africastalking_verify(account: Account, word: str) -> bool:
    """Whether the word in the address of a callback is ours: Africa's Talking signs nothing."""
    own = account.secret("webhook_word", optional=True)
    return bool(own) and hmac.compare_digest(own.encode(), word.encode("utf-8", "replace"))


def africastalking(form: Mapping[str, str]) -> tuple[Report, ...]:
    """A delivery report, a message that came in, or an opt-out, told apart by what is in it; () for none of them."""
    return africastalking_report(form) or africastalking_inbound(form) or _opt_out(form)


def africastalking_report(form: Mapping[str, str]) -> tuple[Report, ...]:
    """What became of a message of ours."""
    name, state = form.get("id", "").strip(), _AT_STATES.get(form.get("status", "").strip().lower())
    if not name or state is None:
        return ()
    reason = said(form.get("failureReason", "")) if state == "failed" else ""
    suppress = "provider" if reason in _AT_SUPPRESS else ""
    return (StatusUpdate(_NAME, state, clock.now(), name[:255], code=reason[:60], text=reason, suppress=suppress),)


def africastalking_inbound(form: Mapping[str, str]) -> tuple[Report, ...]:
    """A message that a lead wrote."""
    name, number = form.get("id", "").strip(), _number(form.get("from", ""))
    if not name or not number or "text" not in form:
        return ()
    return (Inbound(_NAME, name[:255], _moment(form.get("date", "")), _text(form["text"]), address=number),)


def _opt_out(form: Mapping[str, str]) -> tuple[Report, ...]:
    """The subscriber told the network to let this sender through no more."""
    number = _number(form.get("phoneNumber", ""))
    if not number or "senderId" not in form or "status" in form:
        return ()
    return (Preference(_NAME, False, clock.now(), number, detail=f"opted out of {said(form['senderId'])}"[:255]),)


# -- Twilio ------------------------------------------------------------------------------------------------------------
def twilio_verify(account: Account, url: str, form: Mapping[str, str], signature: str) -> bool:
    """Whether Twilio signed this form for this address, as it was called from outside (`X-Twilio-Signature`)."""
    token = account.secret("auth_token", optional=True)
    if not token:
        return False
    given = signature.strip().encode("utf-8", "replace")
    text = "".join(f"{key}{form[key]}" for key in sorted(form))
    right = False
    for address in _spellings(url):  # with and without the port: who stands in between decides which one Twilio saw
        made = b64encode(hmac.new(token.encode(), (address + text).encode(), "sha1").digest())
        right |= hmac.compare_digest(made, given)
    return right


def _spellings(url: str) -> tuple[str, ...]:
    parts = urlsplit(url)
    host = parts.hostname or ""
    port = parts.port or {"https": 443, "http": 80}.get(parts.scheme, 0)
    return tuple({url, *(urlunsplit(parts._replace(netloc=where)) for where in (host, f"{host}:{port}"))})


def twilio_report(form: Mapping[str, str]) -> tuple[Report, ...]:
    """A status of a message of ours, or a message that came in; () for neither."""
    name = (form.get("MessageSid") or form.get("SmsSid") or "").strip()
    if not name:
        return ()
    if "Body" in form:
        number = _number(form.get("From", "").removeprefix("whatsapp:"))
        kind = "text" if form.get("NumMedia", "0") in {"", "0"} or form["Body"] else "other"
        return (Inbound(_NAME, name[:255], clock.now(), _text(form["Body"]), address=number, type=kind),)
    state = STATES.get((form.get("MessageStatus") or form.get("SmsStatus") or "").strip().lower())
    if state is None:
        return ()
    code = said(form.get("ErrorCode", ""))[:60] if state == "failed" else ""
    words = said(form.get("ErrorMessage", "")) or (f"Twilio says {code}" if code else "")
    suppress = "provider" if code == str(OPTED_OUT) else ""
    return (StatusUpdate(_NAME, state, clock.now(), name[:255], code=code, text=words, suppress=suppress),)


def _number(text: str) -> str:
    digits = text.strip().removeprefix("+")
    return f"+{digits}" if digits.isascii() and digits.isdecimal() and 6 <= len(digits) <= 15 else ""


def _text(text: str) -> str:
    return strip_controls(text).strip()[:_TEXT_LIMIT]


def _moment(text: str) -> datetime:
    """ "2026-11-20 09:15:00" in UTC, as Africa's Talking writes it; now where it says something else."""
    try:
        at = datetime.fromisoformat(text.strip())
    except ValueError:
        return clock.now()
    return at if at.tzinfo is not None else at.replace(tzinfo=UTC)
