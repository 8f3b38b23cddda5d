"""Deliveries of message providers: proved to be theirs, taken apart, and kept in the inbox (facts/messaging §2.1).

Only the bytes as they came prove anything, so each function gets them unread. What is proved but not understood is
answered like the rest (a provider repeats for days what it believes lost), and the log says so.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from leadtui.errors import NotFound, NotPermitted, Refused
from leadtui.services import channels as accounts

from . import inbox

if TYPE_CHECKING:
    from leadtui.channels.port import Account
    from leadtui.channels.reports import Report

    from .office import Office

_LOG = logging.getLogger("leadtui.webhooks")


def whatsapp_challenge(office: Office, mode: str, token: str, challenge: str) -> str:
    """What Meta wants back when the address is set up. Raises NotPermitted for a wrong token."""
    from leadtui.channels import whatsapp_cloud_webhook as hook

    account = _account(office, "whatsapp_cloud")
    answer = hook.challenge(account, mode, token, challenge) if account is not None else None
    if answer is None:
        raise _not_proved("the verify token is not the one of the channel whatsapp_cloud")
    return answer


def whatsapp(office: Office, body: bytes, signature: str) -> int:
    """Statuses and messages of the Cloud API; answers how many were new. Raises NotPermitted for a wrong signature."""
    from leadtui.channels import whatsapp_cloud_webhook as hook

    account = _account(office, "whatsapp_cloud")
    if account is None or not hook.verify(account, body, signature):
        raise _not_proved("the signature is not that of the channel whatsapp_cloud")
    try:
        payload = json.loads(body)
    except (ValueError, RecursionError):
        payload = None
    if not isinstance(payload, Mapping):
        _LOG.warning("a delivery for whatsapp_cloud, rightly signed, was not understood")
        return 0
    return _keep(office, "whatsapp_cloud", hook.parse(payload, phone_id=account.get("phone_id")))


def africastalking(office: Office, word: str, form: Mapping[str, str]) -> int:
    """A delivery report, a message, an opt-out. Africa's Talking signs nothing: the address holds a secret word."""
    from leadtui.channels import sms_reports

    account = _account(office, "sms")
    if account is None or not sms_reports.africastalking_verify(account, word):
        raise _not_proved("this address is not the one of the channel sms")
    return _keep(office, "sms", sms_reports.africastalking(form))


def twilio(office: Office, url: str, form: Mapping[str, str], signature: str) -> int:
    """A status or a message that came in; `url` as Twilio called it. Raises NotPermitted for a wrong signature."""
    from leadtui.channels import sms_reports

    account = _account(office, "sms")
    if account is None or not sms_reports.twilio_verify(account, url, form, signature):
        raise _not_proved("the signature is not that of the channel sms")
    return _keep(office, "sms", sms_reports.twilio_report(form))


def _account(office: Office, name: str) -> Account | None:
    """The channel's account; None where it is not set up: who calls is nobody's friend yet, and is told nothing."""
    try:
        account = accounts.webhook_account(office, name)
        return account if account.secrets else None
    except (Refused, NotFound) as error:
        _LOG.warning("a delivery for %s could not be checked: %s", name, error.message)
        return None


def _keep(office: Office, source: str, found: Sequence[Report]) -> int:
    from leadtui.channels import reports

    events: list[tuple[str, str, Any]] = [(one.key, one.kind, reports.to_payload(one)) for one in found]
    return inbox.store_many(office, source, events)


def _not_proved(words: str) -> NotPermitted:
    return NotPermitted(words, code="bad_signature")
