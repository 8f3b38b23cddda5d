"""What Meta tells a webhook of the Cloud API, as reports of ours. Pure: nothing is looked up, nothing is sent.

Reports come late, repeated, out of order, and with parts missing: what cannot be read is left out, the rest counts.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from leadtui import clock
from leadtui.channels.port import Account, Inbound, Preference, Report, State, StatusUpdate, said
from leadtui.channels.port import Final as Refusal
from leadtui.channels.whatsapp_cloud import TRACKER
from leadtui.channels.whatsapp_cloud_errors import judge
from leadtui.text import strip_controls

_NAME: Final = "whatsapp_cloud"
_STATES: Final[Mapping[str, State]] = {
    "sent": "sent", "delivered": "delivered", "read": "read", "played": "read", "failed": "failed",
}  # fmt: skip
_TYPES: Final = {"interactive": "button", "button": "button", "contacts": "contact", "sticker": "image"}
_OWN_TYPES: Final = frozenset({"text", "image", "document", "audio", "video", "location", "reaction"})
_NO_MESSAGES: Final = frozenset({"system", "errors", "request_welcome"})
_TEXT_LIMIT = 4096


def challenge(account: Account, mode: str, token: str, text: str) -> str | None:
    """What to answer when Meta sets the webhook up; None: refuse it (403)."""
    own = account.secret("verify_token", optional=True)
    is_right = hmac.compare_digest(own.encode(), token.encode("utf-8", "replace"))
    return text if mode == "subscribe" and own and is_right else None


def verify(account: Account, body: bytes, signature: str) -> bool:
    """Whether these very bytes were signed by Meta (`X-Hub-Signature-256`); False too where no app_secret is set."""
    secret = account.secret("app_secret", optional=True)
    wanted = "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return bool(secret) and hmac.compare_digest(wanted.encode(), signature.strip().encode("utf-8", "replace"))


def parse(payload: object, *, phone_id: str = "") -> tuple[Report, ...]:
    """Statuses, messages and preferences in a payload. `phone_id`: only those of this number of ours."""
    found: list[Report] = []
    for value in _values(payload):
        own = str(_map(value.get("metadata")).get("phone_number_id") or "")
        if phone_id and own and own != phone_id:
            continue
        people = [_map(contact) for contact in _list(value.get("contacts"))]
        found += [report for row in _list(value.get("statuses")) for report in _status(_map(row))]
        found += [report for row in _list(value.get("messages")) for report in _message(_map(row), people)]
        found += [report for row in _list(value.get("user_preferences")) for report in _preference(_map(row), people)]
    return tuple(found)


def _values(payload: object) -> Iterator[dict[str, Any]]:
    for entry in _list(_map(payload).get("entry")):
        for change in _list(_map(entry).get("changes")):
            yield _map(_map(change).get("value"))


def _status(row: dict[str, Any]) -> Iterator[StatusUpdate]:
    state, name = _STATES.get(str(row.get("status"))), str(row.get("id") or "")
    tracker = TRACKER.fullmatch(str(row.get("biz_opaque_callback_data") or ""))
    if state is None or not (name or tracker):
        return
    error = next((_map(error) for error in _list(row.get("errors"))), {})
    code, words, suppress = "", "", ""
    if state == "failed":
        code = str(error.get("code") or "")
        details = _map(error.get("error_data")).get("details") or error.get("message")
        words = said(": ".join(str(part) for part in (error.get("title"), details) if part))
        result = judge(int(code), words) if code.isdecimal() else None
        suppress = result.suppress if isinstance(result, Refusal) else ""
    yield StatusUpdate(
        _NAME, state, _moment(row.get("timestamp")), provider_id=name[:255],
        message_id=int(tracker[1]) if tracker else None, code=code[:60], text=words, suppress=suppress,
    )  # fmt: skip


def _message(row: dict[str, Any], people: list[dict[str, Any]]) -> Iterator[Inbound]:
    kind, name = str(row.get("type") or ""), str(row.get("id") or "")
    if not name or kind in _NO_MESSAGES:
        return
    person = _who(str(row.get("from") or ""), str(row.get("from_user_id") or row.get("user_id") or ""), people)
    yield Inbound(
        _NAME, name[:255], _moment(row.get("timestamp")), _text(row, kind)[:_TEXT_LIMIT],
        address=_number(row.get("from") or person.get("wa_id")),
        user_id=str(row.get("from_user_id") or row.get("user_id") or person.get("user_id") or "")[:255],
        name=said(str(_map(person.get("profile")).get("name") or ""))[:255],
        type=kind if kind in _OWN_TYPES else _TYPES.get(kind, "other"),
        reply_to=str(_map(row.get("context")).get("id") or "")[:255],
    )  # fmt: skip


def _preference(row: dict[str, Any], people: list[dict[str, Any]]) -> Iterator[Preference]:
    value = str(row.get("value") or "").lower()
    person = _who(str(row.get("wa_id") or ""), str(row.get("user_id") or ""), people)
    address = _number(row.get("wa_id") or person.get("wa_id"))
    user = str(row.get("user_id") or person.get("user_id") or "")
    if value not in {"stop", "resume", "signup"} or not (address or user):
        return
    yield Preference(
        _NAME, value != "stop", _moment(row.get("timestamp")), address, user[:255], said(str(row.get("detail") or ""))
    )


def _who(number: str, user: str, people: list[dict[str, Any]]) -> dict[str, Any]:
    """The contact that a row speaks of; with nothing to tell them apart, the only one there is."""
    for person in people:
        if (number and person.get("wa_id") == number) or (user and person.get("user_id") == user):
            return person
    return people[0] if len(people) == 1 and not number and not user else {}


def _text(row: dict[str, Any], kind: str) -> str:
    """What was written, or stands under what was sent."""
    part = _map(row.get(kind)) if kind != "contacts" else {}
    match kind:
        case "text":
            words = part.get("body")
        case "button":
            words = part.get("text") or part.get("payload")
        case "interactive":
            reply = _map(part.get("button_reply")) or _map(part.get("list_reply")) or _map(part.get("nfm_reply"))
            words = reply.get("title") or reply.get("body")
        case "reaction":
            words = part.get("emoji")
        case "location":
            words = " ".join(str(part[key]) for key in ("name", "address", "latitude", "longitude") if part.get(key))
        case "contacts":
            names = (_map(_map(contact).get("name")).get("formatted_name") for contact in _list(row.get("contacts")))
            words = ", ".join(str(name) for name in names if name)
        case _:
            words = part.get("caption") or part.get("filename")
    return strip_controls(str(words or "")).strip()


def _number(value: object) -> str:
    digits = str(value or "").removeprefix("+")
    return f"+{digits}" if digits.isascii() and digits.isdecimal() and len(digits) <= 15 else ""


def _moment(value: object) -> datetime:
    """Seconds since 1970, as Meta sends them; now where there are none."""
    try:
        return datetime.fromtimestamp(int(str(value)), UTC)
    except (ValueError, OverflowError, OSError):
        return clock.now()


def _map(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
