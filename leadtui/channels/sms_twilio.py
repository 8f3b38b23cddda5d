"""SMS through Twilio: its SDK over our own wire, so that a refused connection and a lost answer stay apart.

The one route here whose messages can be asked after: right for a host that no webhook reaches (facts/messaging §2.3).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlencode

from leadtui import clock
from leadtui.channels import wire
from leadtui.channels.port import (
    Accepted,
    Account,
    Outgoing,
    Pause,
    Probe,
    Result,
    Retry,
    State,
    StatusUpdate,
    Unknown,
    said,
)
from leadtui.channels.port import Final as Refusal
from leadtui.errors import OtherSide, Refused

PACKAGE: Final = "twilio"
_HOST = "https://api.twilio.com"
_BUSY_S = 30.0
_PROBE_S = 15.0

STATES: Final[Mapping[str, State]] = {
    "sent": "sent", "delivered": "delivered", "read": "read", "undelivered": "failed", "failed": "failed",
    "canceled": "failed",
}  # fmt: skip
"""What Twilio calls it → what we do; its other words mean that it is still under way."""

OPTED_OUT: Final = 21610
_LATER = frozenset({20429, 14107, 20503, 21611, 63018})
_SETUP = frozenset(
    {20001, 20003, 20005, 20006, 20008, 20404, 21212, 21266, 21603, 21606, 21607, 21609, 21659, 21660, 21701, 21703,
     21704, 21705, 30002, 63007, 63015}
)  # fmt: skip


class Twilio:
    """Sends one SMS with one request."""

    def __init__(self, account: Account) -> None:
        from twilio.http import HttpClient
        from twilio.http.response import Response
        from twilio.rest import Client

        self._account = account
        self._deadline_s = _PROBE_S
        base = wire.check_url(account.get("base_url", _HOST), field="base_url").rstrip("/")
        outer = self

        class Transport(HttpClient):  # type: ignore[misc]
            """The SDK's transport over our wire."""

            def __init__(self) -> None:
                self.logger = None
                self.is_async = False
                self.timeout = None

            def request(
                self, method: str, uri: str, params: Any = None, data: Any = None, headers: Any = None,
                auth: Any = None, timeout: Any = None, allow_redirects: bool = False,
            ) -> Any:  # fmt: skip
                answer = outer._call(uri.replace(_HOST, base, 1), method, params, data, headers, auth)
                return Response(answer.status, answer.text)

        self._from, self._service = account.get("from"), account.get("messaging_service_sid")
        if not self._from and not self._service:
            raise Refused("Twilio needs from, or messaging_service_sid", code="channel_setup", field="from")
        self._sid = account.need("account_sid")
        self._client = Client(self._sid, account.secret("auth_token"), http_client=Transport())

    def _call(self, url: str, method: str, params: Any, data: Any, headers: Any, auth: Any) -> wire.Answer:
        sent = {str(key): str(value) for key, value in (headers or {}).items()}
        if auth is not None:
            from base64 import b64encode

            sent["Authorization"] = "Basic " + b64encode(":".join(auth).encode()).decode("ascii")
        body = None
        if data:
            body = urlencode(data, doseq=True).encode()
            sent["Content-Type"] = "application/x-www-form-urlencoded"
        query = f"?{urlencode(params)}" if params else ""
        return wire.call(method, url + query, headers=sent, body=body, deadline_s=self._deadline_s)

    def probe(self) -> Probe:
        """Look at the account."""
        from twilio.base.exceptions import TwilioRestException

        try:
            found = self._client.api.v2010.accounts(self._sid).fetch()
        except wire.NotConnected as error:
            return Probe(False, "unreachable", f"Twilio cannot be reached: {error}")
        except wire.Lost as error:
            return Probe(False, "no_answer", f"Twilio does not answer: {error}")
        except TwilioRestException as error:
            hint = "look at account_sid and auth_token" if error.status in {401, 404} else ""
            return Probe(False, "login" if hint else str(error.code or error.status), self._words(error), hint)
        except (ValueError, KeyError, TypeError):
            return Probe(False, "odd_answer", "Twilio answered something that is not its own")
        if found.status != "active":
            return Probe(False, "account", f"the account is {said(str(found.status))}")
        return Probe(True, "ready", f"Twilio knows {said(str(found.friendly_name))}")

    def send(self, message: Outgoing, deadline_s: float) -> Result:
        """Send, and judge Twilio's code."""
        from twilio.base.exceptions import TwilioRestException

        self._deadline_s = deadline_s
        sender = {"messaging_service_sid": self._service} if self._service else {"from_": self._from}
        if callback := self._account.get("status_callback"):
            sender["status_callback"] = callback
        try:
            made = self._client.messages.create(to=message.address, body=message.text, **sender)
        except wire.NotConnected as error:
            return Retry(_BUSY_S, "unreachable", f"Twilio cannot be reached: {error}", "account")
        except wire.Lost as error:
            return Unknown("no_answer", f"Twilio took the request and did not answer: {error}")
        except TwilioRestException as error:
            return self._refused(error)
        except (ValueError, KeyError, TypeError):
            return Unknown("odd_answer", "Twilio took it and answered something that is not its own")
        if not made.sid:
            return Unknown("no_id", "Twilio took it and gave no id")
        return Accepted(str(made.sid)[:255], str(made.status or ""), self._cost(made))

    def _refused(self, error: Any) -> Result:
        """Twilio's own code where it gave one, else the status of HTTP."""
        code, words = int(error.code or 0), self._words(error)
        name = str(code or error.status)
        if code == OPTED_OUT:
            return Refusal(name, words, suppress="provider")
        if code in _LATER or error.status == 429:
            return Retry(_BUSY_S, name, words, "account")
        if code in _SETUP or error.status in {401, 403, 404}:
            return Pause(name, words)
        if 400 <= error.status < 500 and error.status != 408:
            return Refusal(name, words)
        return Unknown(name, words)

    def _words(self, error: Any) -> str:
        return self._account.said(str(error.msg))

    def _cost(self, made: Any) -> int | None:
        return self._account.minor(str(made.price or ""), str(made.price_unit or ""))

    def poll(self, ids: Sequence[str]) -> tuple[StatusUpdate, ...]:
        """What became of messages. Those that Twilio no longer knows are left out. Raises OtherSide."""
        from twilio.base.exceptions import TwilioRestException

        self._deadline_s = _PROBE_S
        found: list[StatusUpdate] = []
        for name in ids:
            try:
                row = self._client.messages(name).fetch()
            except TwilioRestException as error:
                if error.status == 404:
                    continue
                raise OtherSide(f"Twilio: {self._words(error)}", code=str(error.code or error.status)) from None
            except (wire.NotConnected, wire.Lost) as error:
                raise OtherSide(f"Twilio does not answer: {error}", code="unreachable") from None
            except (ValueError, KeyError, TypeError):
                raise OtherSide("Twilio answered something that is not its own", code="odd_answer") from None
            if (state := STATES.get(str(row.status))) is not None:
                code = str(row.error_code or "")
                found.append(StatusUpdate(
                    "sms", state, clock.now(), provider_id=name, code=code, cost_minor=self._cost(row),
                    text=said(str(row.error_message or "")),
                    suppress="provider" if code == str(OPTED_OUT) else "",
                ))  # fmt: skip
        return tuple(found)
