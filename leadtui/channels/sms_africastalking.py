"""SMS through Africa's Talking: its SDK knows the service, our own wire knows what failing means (facts/messaging §3).

The SDK would answer every failure with the same exception and lose the status, and with it the difference between
"refused" and "nobody knows". It answers 201 also where a recipient failed: each recipient's own code decides.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlencode

from leadtui.channels import wire
from leadtui.channels.port import (
    Accepted,
    Account,
    Outgoing,
    Pause,
    Probe,
    Result,
    Retry,
    StatusUpdate,
    Unknown,
    said,
)
from leadtui.channels.port import Final as Refusal

PACKAGE: Final = "africastalking"
_BUSY_S = 60.0
_PROBE_S = 15.0

_TAKEN = frozenset({100, 101, 102})
_LATER = frozenset({500, 501, 502})
_SETUP: Final = {
    401: "Africa's Talking holds messages back while it looks into the account",
    402: "the sender id is not one of the account's",
    405: "the balance is used up",
}
_FINAL: Final = {
    403: "not a number",
    404: "a kind of number that takes no SMS",
    407: "there is no route to this number",
    409: "the subscriber wants no such messages (do not disturb)",
}
_BLACKLISTED = 406
_WHOLE_REFUSALS: Final = {"InvalidSenderId": 402, "InsufficientBalance": 405}
"""Where no recipient is listed, the answer's own words say why."""


class AfricasTalking:
    """Sends one SMS with one request."""

    def __init__(self, account: Account) -> None:
        from africastalking.SMS import SMSService

        self._account = account
        self._deadline_s = _PROBE_S
        call = self._call

        class Service(SMSService):  # type: ignore[misc]
            """The SDK's service over our wire."""

            def _make_request(
                self, url: str, method: str, headers: Mapping[str, str], data: Any, params: Any, **_: Any
            ) -> wire.Answer:
                return call(url, method, headers, data, params)

        self._service = Service(account.need("username"), account.secret("api_key"))
        if base := account.get("base_url"):
            self._service._baseUrl = wire.check_url(base, field="base_url").rstrip("/") + "/version1"

    def _call(self, url: str, method: str, headers: Mapping[str, str], data: Any, params: Any) -> wire.Answer:
        body = None
        sent = dict(headers)
        if data is not None:
            body = urlencode(data).encode()
            sent["Content-Type"] = "application/x-www-form-urlencoded"
        query = f"?{urlencode(params)}" if params else ""
        return wire.call(method, url + query, headers=sent, body=body, deadline_s=self._deadline_s)

    def probe(self) -> Probe:
        """Ask for messages that came in: an answer means that name and key are right."""
        try:
            answer: wire.Answer = self._service.fetch_messages(last_received_id=0)
        except wire.NotConnected as error:
            return Probe(False, "unreachable", f"Africa's Talking cannot be reached: {error}")
        except wire.Lost as error:
            return Probe(False, "no_answer", f"Africa's Talking does not answer: {error}")
        if answer.status in {401, 403}:
            return Probe(False, "login", "Africa's Talking refuses the name or the key", "look at username and api_key")
        if answer.status >= 400:
            return Probe(False, str(answer.status), f"Africa's Talking answers {answer.status}")
        return Probe(True, "ready", f"Africa's Talking knows {self._account.get('username')}")

    def send(self, message: Outgoing, deadline_s: float) -> Result:
        """Send, and judge the recipient's own code."""
        self._deadline_s = deadline_s
        try:
            answer: wire.Answer = self._service.send(
                message.text, [message.address], self._account.get("sender_id") or None, enqueue=True
            )
        except ValueError:
            return Refusal("bad_number", "not a number")
        except wire.NotConnected as error:
            return Retry(_BUSY_S, "unreachable", f"Africa's Talking cannot be reached: {error}", "account")
        except wire.Lost as error:
            return Unknown("no_answer", f"Africa's Talking took the request and did not answer: {error}")
        return self._judge(answer)

    def _judge(self, answer: wire.Answer) -> Result:
        words = self._account.said(answer.text)
        match answer.status:
            case 200 | 201:
                return self._of_recipient(answer.json())
            case 401 | 402 | 403 | 404:
                return Pause(str(answer.status), f"Africa's Talking refuses the account: {words}")
            case 429:
                return Retry(answer.retry_after_s or _BUSY_S, "429", "Africa's Talking says slower", "account")
            case status if 400 <= status < 500 and status != 408:
                return Refusal(str(status), f"Africa's Talking refused it: {words}")
            case status:
                return Unknown(str(status), f"Africa's Talking failed ({status})")

    def _of_recipient(self, document: Any) -> Result:
        """The code of the one recipient; where none is listed, the words of the whole."""
        data = document.get("SMSMessageData") if isinstance(document, dict) else None
        rows = data.get("Recipients") if isinstance(data, dict) else None
        if not isinstance(data, dict) or not isinstance(rows, list):
            return Unknown("odd_answer", "Africa's Talking answered something that is not its own")
        if not rows or not isinstance(rows[0], dict):
            words = said(str(data.get("Message", "")))
            code = next((code for name, code in _WHOLE_REFUSALS.items() if name.lower() in words.lower()), 0)
            return _by_code(code, words) if code else Refusal("not_taken", f"not taken: {words}")
        row = rows[0]
        code, words = _whole(row.get("statusCode")), said(str(row.get("status", "")))
        if code not in _TAKEN:
            return _by_code(code, words)
        if not (name := str(row.get("messageId") or "")) or name == "None":
            return Unknown("no_id", "Africa's Talking took it and gave no id")
        currency, _, amount = str(row.get("cost") or "").partition(" ")
        return Accepted(name[:255], words, self._account.minor(amount, currency))

    def poll(self, ids: Sequence[str]) -> tuple[StatusUpdate, ...]:
        """Nothing: delivery is only told to a webhook."""
        return ()


def _whole(value: Any) -> int:
    try:
        return int(value)
    except (TypeError, ValueError):
        return 0


def _by_code(code: int, words: str) -> Result:
    """A recipient's code that is no success."""
    if code in _LATER:
        return Retry(_BUSY_S, str(code), f"the gateway could not: {words}")
    if code in _SETUP:
        return Pause(str(code), _SETUP[code])
    if code == _BLACKLISTED:
        return Refusal(str(code), "the number asked for no more messages", suppress="provider")
    return Refusal(str(code), _FINAL.get(code, words) or "refused")
