"""Channel `http`: one request to a gateway of the office's own choice, described by settings (facts/messaging §3).

What a lead is called, and what is written to it, only ever stands inside a value: JSON strings, form fields, quoted
pieces of the address. It cannot become anything else there.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote, urlencode, urlsplit

from leadtui.channels import wire
from leadtui.channels.port import (
    Accepted,
    Account,
    Caps,
    Channel,
    Outgoing,
    Pause,
    Plugin,
    Probe,
    Result,
    Retry,
    Setting,
    Spec,
    StatusUpdate,
    Unknown,
)
from leadtui.channels.port import Final as Refusal
from leadtui.errors import Refused

CLASSES: Final = ("accepted", "retry", "final", "suppress", "pause", "unknown")

REQUEST_SETTINGS: Final = (
    Setting("url", "where to; {to} {to_digits} {id} may stand in it", required=True, kind="url"),
    Setting("method", "the verb of the request", default="POST", choices=("POST", "PUT", "GET")),
    Setting("content", "what the body is", default="json", choices=("json", "form", "none")),
    Setting("body", "the body as JSON; in its texts {to} {to_digits} {text} {subject} {id} {campaign} {secret}",
            default='{"to": "{to}", "text": "{text}", "id": "{id}"}', kind="json"),
    Setting("headers", "more headers, as JSON; {id} and {secret} may stand in them", kind="json"),
    Setting("secret_header", "the header that the secret goes in", default="Authorization"),
    Setting("secret_prefix", "what stands before the secret there", default="Bearer"),
    Setting("id_path", "where the answer holds the message's id, such as messages.0.id"),
    Setting("ok_path", "where the answer says whether it was taken, such as status"),
    Setting("ok_value", "what stands there when it was"),
    Setting("statuses", 'what a status of HTTP means, as JSON such as {"409": "final", "5xx": "retry"}: '
            + ", ".join(CLASSES), kind="json"),
)  # fmt: skip

REQUEST_SECRET: Final = Setting("secret", "the gateway's key", secret=True)

SPEC = Spec(
    name="http",
    title="HTTP (a gateway of your own)",
    settings=(
        *REQUEST_SETTINGS,
        Setting("address", "what leads are written to", default="phone", choices=("phone", "email")),
        Setting(
            "activity", "what the timeline calls it", default="other", choices=("other", "sms", "whatsapp", "email")
        ),
        Setting("max_len", "so many characters at most", kind="number"),
        REQUEST_SECRET,
    ),
)

_USUAL: Final = {
    "2xx": "accepted", "408": "unknown", "429": "retry", "401": "pause", "402": "pause", "403": "pause",
    "404": "pause", "405": "pause", "3xx": "pause", "4xx": "final", "5xx": "unknown",
}  # fmt: skip
_PLACE = re.compile(r"\{(to|to_digits|text|subject|id|campaign|secret)\}")
_BUSY_S = 30.0


class HttpChannel:
    """One gateway. Opening reads the settings, so that what is wrong in them is said before anything is sent."""

    def __init__(self, account: Account, name: str = "http") -> None:
        self.name = name
        self._account = account
        self._url = wire.check_url(account.need("url"), field="url")
        self._method = account.get("method", "POST")
        self._content = account.get("content", "json")
        self._body = _json(account, "body")
        self._headers = _json(account, "headers") or {}
        self._classes = {**_USUAL, **(_json(account, "statuses") or {})}
        if not isinstance(self._headers, dict) or set(self._classes.values()) - set(CLASSES):
            raise Refused("headers and statuses are JSON objects", code="channel_setup", field="statuses",
                          hint="a status means one of: " + ", ".join(CLASSES))  # fmt: skip
        if self._content == "form" and not isinstance(self._body, dict):
            raise Refused("a form needs a JSON object as body", code="channel_setup", field="body")
        self._secret = account.secret("secret", optional=True)

    def caps(self) -> Caps:
        """As the settings say."""
        return _caps(self._account)

    def probe(self) -> Probe:
        """Whether somebody answers at the address; nothing is asked of it but a GET of its root."""
        parts = urlsplit(self._url)
        try:
            wire.call("GET", f"{parts.scheme}://{parts.netloc}/", deadline_s=10)
        except wire.NotConnected as error:
            return Probe(False, "unreachable", f"{parts.hostname} cannot be reached: {error}")
        except wire.Lost as error:
            return Probe(False, "no_answer", f"{parts.hostname} does not answer as HTTP: {error}")
        return Probe(True, "ready", f"{parts.hostname} answers; whether it takes messages shows with the first one")

    def send(self, message: Outgoing, deadline_s: float) -> Result:
        """Make the request, and judge the answer by the settings."""
        values = {
            "to": message.address, "to_digits": message.address.removeprefix("+"), "text": message.text,
            "subject": message.subject or "", "id": message.thread, "campaign": message.campaign or "",
            "secret": self._secret,
        }  # fmt: skip
        url = _PLACE.sub(lambda found: quote(_outside(values, found[1]), safe=""), self._url)
        try:
            answer = wire.call(self._method, url, headers=self._headers_for(values), body=self._body_for(values),
                               deadline_s=deadline_s)  # fmt: skip
        except wire.NotConnected as error:
            return Retry(_BUSY_S, "unreachable", f"the gateway cannot be reached: {error}", "account")
        except wire.Lost as error:
            return Unknown("no_answer", f"the gateway took the request and did not answer: {error}")
        except ValueError:
            return Pause("bad_header", "a header or the secret holds what no header can")
        return self._judge(answer)

    def _headers_for(self, values: Mapping[str, str]) -> dict[str, str]:
        only = {"id": values["id"], "secret": values["secret"]}
        kinds = {"json": "application/json", "form": "application/x-www-form-urlencoded"}
        headers = {"User-Agent": "leadtui", "Accept": "application/json", "Idempotency-Key": values["id"]}
        if self._content in kinds and self._method != "GET":
            headers["Content-Type"] = kinds[self._content]
        if self._secret and "{secret}" not in json.dumps([self._body, self._headers]):
            prefix = self._account.get("secret_prefix", "Bearer")
            name = self._account.get("secret_header", "Authorization")
            headers[name] = f"{prefix} {self._secret}" if name == "Authorization" else self._secret
        for name, value in self._headers.items():
            headers[str(name)] = _PLACE.sub(lambda found: only.get(found[1], found[0]), str(value))
        return headers

    def _body_for(self, values: Mapping[str, str]) -> bytes | None:
        if self._content == "none" or self._method == "GET":
            return None
        filled = _filled(self._body, values)
        return (urlencode(filled) if self._content == "form" else json.dumps(filled)).encode()

    def _judge(self, answer: wire.Answer) -> Result:
        """What an answer means: its status by the table, then what stands in it."""
        code, words = str(answer.status), self._account.said(answer.text)
        kind = self._classes.get(code) or self._classes.get(f"{code[0]}xx") or "unknown"
        document = answer.json()
        if kind == "accepted" and (path := self._account.get("ok_path")):
            found = _at(document, path)
            if found is None:
                return Unknown("odd_answer", f"the gateway answered, but says nothing at {path}")
            if str(found).lower() != self._account.get("ok_value", "true").lower():
                return Refusal("not_taken", f"the gateway did not take it: {words}")
        match kind:
            case "accepted":
                path = self._account.get("id_path")
                found = _at(document, path) if path else ""
                if found is None or (path and not str(found)):
                    return Unknown("no_id", "the gateway answered without the id of a message")
                return Accepted(str(found)[:255], words)
            case "retry":
                return Retry(answer.retry_after_s or _BUSY_S, code, f"the gateway says later: {words}",
                             "account" if code == "429" else "message")  # fmt: skip
            case "pause":
                return Pause(code, f"the gateway refuses us ({code}): {words}")
            case "final" | "suppress":
                return Refusal(code, f"refused: {words}", suppress="provider" if kind == "suppress" else "")
            case _:
                return Unknown(code, f"the gateway failed ({code}): {words}")

    def poll(self, ids: Sequence[str]) -> tuple[StatusUpdate, ...]:
        """Nothing: gateways differ too much."""
        return ()

    def close(self) -> None:
        """Nothing is held open."""


def _outside(values: Mapping[str, str], key: str) -> str:
    """What may stand in an address: never the secret, which logs of others would keep."""
    return "" if key == "secret" else values[key]


def _filled(template: Any, values: Mapping[str, str]) -> Any:
    """The template with values in its texts; its shape stays as it is, whatever the values hold."""
    if isinstance(template, str):
        return _PLACE.sub(lambda found: values[found[1]], template)
    if isinstance(template, dict):
        return {key: _filled(value, values) for key, value in template.items()}
    if isinstance(template, list):
        return [_filled(value, values) for value in template]
    return template


def _at(document: Any, path: str) -> Any:
    """What stands at `a.0.b`; None when nothing does."""
    for step in path.split("."):
        if isinstance(document, dict):
            document = document.get(step)
        elif isinstance(document, list) and step.isdecimal() and int(step) < len(document):
            document = document[int(step)]
        else:
            return None
    return document


def _json(account: Account, key: str) -> Any:
    text = account.get(key) or next(setting.default for setting in REQUEST_SETTINGS if setting.key == key)
    try:
        return json.loads(text) if text else None
    except ValueError:
        raise Refused(f"{key} is not JSON", code="channel_setup", field=key) from None


def _caps(account: Account) -> Caps:
    length = account.get("max_len")
    return Caps(
        address="email" if account.get("address") == "email" else "phone", activity=account.get("activity", "other"),
        max_len=int(length) if length.isdecimal() and int(length) else None,
        has_subject="{subject}" in account.get("body"),
    )  # fmt: skip


def _open(account: Account) -> Channel:
    return HttpChannel(account)


PLUGIN = Plugin(SPEC, _open, _caps)
