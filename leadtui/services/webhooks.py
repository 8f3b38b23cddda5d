"""Deliveries of message providers: proved to be theirs, taken apart, and kept in the inbox (facts/messaging §2.1).

Only the bytes as they came prove anything, so each function gets them unread. What is proved but not understood is
answered like the rest (a provider repeats for days what it believes lost), and the log says so.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from leadtui import clock
from leadtui.errors import NotPermitted
from leadtui.services import channels as accounts

from . import inbox

if TYPE_CHECKING:
    from leadtui.channels.reports import Report

    from .office import Office

_LOG = logging.getLogger("leadtui.webhooks")


def whatsapp_challenge(office: Office, mode: str, token: str, challenge: str) -> str:
    """What Meta wants back when the address is set up. Raises NotPermitted for a wrong token."""
    from leadtui.channels import whatsapp_cloud_webhook as hook

    answer = hook.challenge(accounts.webhook_account(office, "whatsapp_cloud"), mode, token, challenge)
    if answer is None:
        raise _not_proved("the verify token is not the one of the channel whatsapp_cloud")
    return answer


def whatsapp(office: Office, body: bytes, signature: str) -> int:
    """Statuses and messages of the Cloud API; answers how many were new. Raises NotPermitted for a wrong signature."""
    from leadtui.channels import whatsapp_cloud_webhook as hook

    if not hook.verify(accounts.webhook_account(office, "whatsapp_cloud"), body, signature):
        raise _not_proved("the signature is not that of the channel whatsapp_cloud")
    try:
        payload = json.loads(body)
    except (ValueError, RecursionError):
        payload = None
    if not isinstance(payload, Mapping):
        _LOG.warning("a delivery for whatsapp_cloud, rightly signed, was not understood")
        return 0
    return _keep(office, "whatsapp_cloud", hook.parse(payload))


def africastalking(office: Office, word: str, form: Mapping[str, str], *, inbound: bool) -> int:
    """A delivery report or a message that came in. Africa's Talking signs nothing: the address holds a secret word."""
    from leadtui.channels import sms_reports

    if not sms_reports.africastalking_verify(accounts.webhook_account(office, "sms_africastalking"), word):
        raise _not_proved("this address is not the one of the channel sms_africastalking")
    parse = sms_reports.africastalking_inbound if inbound else sms_reports.africastalking_report
    return _keep(office, "sms_africastalking", parse(form))


def twilio(office: Office, url: str, form: Mapping[str, str], signature: str) -> int:
    """A status or a message that came in; `url` as Twilio called it. Raises NotPermitted for a wrong signature."""
    from leadtui.channels import sms_reports

    if not sms_reports.twilio_verify(accounts.webhook_account(office, "sms_twilio"), url, form, signature):
        raise _not_proved("the signature is not that of the channel sms_twilio")
    return _keep(office, "sms_twilio", sms_reports.twilio_report(form, clock.now()))


def _keep(office: Office, source: str, found: Sequence[Report]) -> int:
    from leadtui.channels import reports

    events: list[tuple[str, str, Any]] = [(one.key, one.kind, reports.to_payload(one)) for one in found]
    return inbox.store_many(office, source, events)


def _not_proved(words: str) -> NotPermitted:
    return NotPermitted(words, code="bad_signature")
