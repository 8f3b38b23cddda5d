"""A double of the WhatsApp Cloud API on loopback: answers each number as told, and reports by signed webhooks.

What it really sent is in `delivered_to`: a number that stands there twice was written to twice, whatever was answered.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import random
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from .double import DROP, HANG, Asked, Double, Says, Step

TOKEN = "EAAG-token-of-the-test"
APP_SECRET = "app-secret-of-the-test"
VERIFY_TOKEN = "verify-word-of-the-test"
PHONE_ID = "100200300"
WABA_ID = "900800700"

CODES = {
    "throttle": (429, 130429, "Rate limit hit"),
    "pair": (400, 131056, "Pair rate limit hit"),
    "busy": (500, 131000, "Something went wrong"),
    "expired": (401, 190, "Error validating access token: Session has expired"),
    "paused": (400, 132015, "Template is paused"),
    "spam": (400, 131048, "Spam rate limit hit"),
    "not_on_whatsapp": (400, 131026, "Message undeliverable"),
    "stopped": (400, 131050, "User has stopped marketing messages"),
    "healthy": (400, 131049, "Not delivered to maintain healthy ecosystem engagement"),
    "window": (400, 131047, "Re-engagement message"),
    "wrong": (400, 100, "Invalid parameter"),
}
"""A behaviour → the status of HTTP, the code and words of its answer. None of these sends anything."""

SENDING = ("accept", "lost", "hang", "no_id", "html_after")
"""Behaviours after which the message is really on its way, though only the first one says so."""


class CloudDouble(Double):
    """`behave(number, "throttle", "accept")`: how the next messages to a number fare; then as `usual` says."""

    def __init__(self, *, usual: str = "accept") -> None:
        super().__init__(self._answer)
        self.usual = usual
        self.token_is_valid = True
        self.templates: list[dict[str, Any]] = []
        self.uploads = 0
        self.messages: list[dict[str, Any]] = []
        """Every body that was posted as a message, in order."""
        self.delivered_to: Counter[str] = Counter()
        self._plans: dict[str, list[str]] = defaultdict(list)
        self._sent: list[tuple[str, str, str]] = []  # wamid, number, tracker

    def behave(self, number: str, *plan: str) -> None:
        """How the next messages to a number fare."""
        self._plans[number.removeprefix("+")] += plan

    def settings(self) -> dict[str, str]:
        """The settings of an account that speaks to this double."""
        return {"phone_id": PHONE_ID, "waba_id": WABA_ID, "graph_url": self.url}

    @staticmethod
    def secrets(*, webhook: bool = True) -> dict[str, str]:
        """Its secrets."""
        return {"token": TOKEN, **({"app_secret": APP_SECRET, "verify_token": VERIFY_TOKEN} if webhook else {})}

    # -- what Meta answers ---------------------------------------------------------------------------------------------
    def _answer(self, asked: Asked) -> Step:
        if asked.headers.get("authorization") != f"Bearer {TOKEN}" or not self.token_is_valid:
            return self._error("expired")
        path = re.sub(r"^/v\d+\.\d", "", asked.path.partition("?")[0])
        match path.strip("/").split("/"):
            case [str(phone), "messages"] if phone == PHONE_ID:
                return self._message(asked.json)
            case [str(phone), "media"] if phone == PHONE_ID:
                self.uploads += 1
                return Says(200, {"id": f"media-{self.uploads}"})
            case [str(waba), "message_templates"] if waba == WABA_ID:
                return Says(200, {"data": self.templates, "paging": {"cursors": {"after": "x"}}})
            case [str(phone)] if phone == PHONE_ID:
                return Says(200, {"display_phone_number": "+254 700 000000", "verified_name": "Safi Net",
                                  "quality_rating": "GREEN"})  # fmt: skip
        return Says(404, {"error": {"code": 100, "message": "Unknown path", "error_subcode": 33}})

    @staticmethod
    def _error(behaviour: str) -> Says:
        status, code, words = CODES[behaviour]
        return Says(status, {"error": {"code": code, "message": f"(#{code}) {words}", "type": "OAuthException",
                                       "error_data": {"details": words}, "fbtrace_id": "A1"}})  # fmt: skip

    def _message(self, body: dict[str, Any]) -> Step:
        number = str(body.get("to") or body.get("recipient"))
        self.messages.append(body)
        plan = self._plans[number]
        behaviour = plan.pop(0) if plan else self.usual
        if behaviour in CODES:
            return self._error(behaviour)
        if behaviour == "html":
            return Says(502, "<html><h1>502 Bad Gateway</h1></html>")
        name = f"wamid.{len(self._sent) + 1}"
        self.delivered_to[number] += 1
        self._sent.append((name, number, str(body.get("biz_opaque_callback_data") or "")))
        match behaviour:
            case "lost":
                return DROP
            case "hang":
                return HANG
            case "html_after":
                return Says(504, "<html><h1>504 Gateway Time-out</h1></html>")
            case "no_id":
                return Says(200, {"messaging_product": "whatsapp"})
        answer = {"messaging_product": "whatsapp", "contacts": [{"input": number, "wa_id": number}],
                  "messages": [{"id": name, "message_status": "accepted"}]}  # fmt: skip
        return Says(200, answer)

    # -- what Meta reports ---------------------------------------------------------------------------------------------
    def statuses(
        self, states: Sequence[str] = ("sent", "delivered", "read"), *, repeat: int = 1, seed: int | None = None
    ) -> list[dict[str, Any]]:
        """One payload for each state of each message really sent; `repeat` times, and shuffled with a `seed`."""
        made = [
            self.status(name, number, tracker, state, at=1_795_000_000 + place)
            for name, number, tracker in self._sent
            for place, state in enumerate(states)
            for _ in range(repeat)
        ]
        if seed is not None:
            random.Random(seed).shuffle(made)
        return made

    @staticmethod
    def status(
        name: str, number: str, tracker: str, state: str, *, at: int = 1_795_000_000, errors: Iterable[Any] = ()
    ) -> dict[str, Any]:
        """The payload of one status."""
        row: dict[str, Any] = {"id": name, "status": state, "timestamp": str(at), "recipient_id": number}
        if tracker:
            row["biz_opaque_callback_data"] = tracker
        if errors := list(errors):
            row["errors"] = errors
        return _payload({"statuses": [row]})

    @staticmethod
    def inbound(
        number: str, text: str, *, name: str = "Amina", wamid: str = "wamid.in.1", user_id: str = "KE.77"
    ) -> Any:
        """The payload of a message that a lead wrote; an empty `number` hides it, as a username does."""
        row = {"id": wamid, "timestamp": "1795000000", "type": "text", "text": {"body": text}}
        person: dict[str, Any] = {"profile": {"name": name}, "user_id": user_id}
        if number:
            row["from"] = person["wa_id"] = number.removeprefix("+")
        return _payload({"contacts": [person], "messages": [row]})

    @staticmethod
    def signed(payload: Any, secret: str = APP_SECRET) -> tuple[bytes, str]:
        """The bytes of a webhook's body and its `X-Hub-Signature-256`."""
        body = json.dumps(payload).encode()
        return body, "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def _payload(value: dict[str, Any]) -> dict[str, Any]:
    meta = {"messaging_product": "whatsapp", "metadata": {"phone_number_id": PHONE_ID}}
    return {"object": "whatsapp_business_account",
            "entry": [{"id": WABA_ID, "changes": [{"field": "messages", "value": meta | value}]}]}  # fmt: skip
