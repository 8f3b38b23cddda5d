"""Channel `whatsapp_cloud`: Meta's Cloud API through pywa (facts/messaging §2).

There is no key that makes a second try harmless: what was written and not answered is `Unknown`, until a webhook names
it by the tracker that every message carries. An answer with 200 means accepted, never sent.
"""

from __future__ import annotations

import hashlib
import logging
import re
import threading
from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from leadtui import clock
from leadtui.channels.port import (
    Accepted,
    Account,
    Attachment,
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
from leadtui.channels.provider_templates import ApprovedTemplate
from leadtui.channels.whatsapp_cloud_bodies import MEDIA_TYPES, SIZES, TEXT_MOST, body_of, kind_of, template_of
from leadtui.channels.whatsapp_cloud_errors import MEDIA, judge, without_error
from leadtui.channels.wire import check_url
from leadtui.errors import OtherSide, Refused

if TYPE_CHECKING:
    import httpx

PACKAGE: Final = "pywa"
GRAPH: Final = "https://graph.facebook.com"
GRAPH_VERSION: Final = "26.0"

SPEC = Spec(
    name="whatsapp_cloud",
    title="WhatsApp (Cloud API)",
    extra="cloud",
    settings=(
        Setting("phone_id", "the id of the number that sends, from Meta's pages", required=True),
        Setting("waba_id", "the id of the WhatsApp Business account; for its templates"),
        Setting("graph_version", "the version of the Graph API", default=GRAPH_VERSION),
        Setting("graph_url", "another address of the Graph API, such as a relay", default=GRAPH, kind="url"),
        Setting("token", "a system user's token that may send", required=True, secret=True),
        Setting("app_secret", "the app's secret: webhooks are checked with it", secret=True),
        Setting("verify_token", "a word of your own, told to Meta when the webhook is set up", secret=True),
    ),
)

_MEDIA_FOR = timedelta(days=25)
"""Meta keeps an uploaded file for 30 days."""
_BUSY_S = 30.0
_PROBE_S = 15.0
_PAGE = 100
_PAGES_MOST = 60
_IDLE_S = 3.0
"""A connection that rested for longer is not used again: the other end may have closed it."""

_BSUID = re.compile(r"[A-Z]{2}\.(ENT\.)?[A-Za-z0-9]+")
_VERSION = re.compile(r"v?(\d{1,3}\.\d)")
TRACKER: Final = re.compile(r"leadtui:(\d{1,18})")

_CAPS = Caps(
    address="phone", activity="whatsapp", max_len=TEXT_MOST, needs_template=True, can_confirm=True,
    media=MEDIA_TYPES, max_media_bytes=SIZES["document"],
    gap_s=6, daily_unique=250, packages=(PACKAGE,),
    warning="WhatsApp wants people's consent before the first message, and an approved template outside of 24 hours "
            "after their last one. A new account may write to 250 people a day.",
)  # fmt: skip


class WhatsAppCloud:
    """One number of one business account, over one HTTP client."""

    name = "whatsapp_cloud"

    def __init__(self, account: Account, transport: httpx.BaseTransport | None = None) -> None:
        import httpx
        from pywa.client import WhatsApp

        for logger in ("pywa", "httpx", "httpcore"):  # their lines hold texts and numbers of leads
            logging.getLogger(logger).setLevel(logging.CRITICAL)
        self._account = account
        self._phone_id = account.need("phone_id")
        version = _VERSION.fullmatch(account.get("graph_version", GRAPH_VERSION))
        if version is None:
            raise Refused("graph_version is no version", code="channel_setup", field="graph_version",
                          hint=f"such as {GRAPH_VERSION}")  # fmt: skip
        self._status = 0
        self._busy = threading.Lock()  # a call that its caller gave up may still be under way
        self._is_over = False
        self._session = httpx.Client(
            transport=transport, event_hooks={"response": [self._note]},
            limits=httpx.Limits(keepalive_expiry=_IDLE_S),
        )  # fmt: skip
        self._api: Any = WhatsApp(
            phone_id=self._phone_id, token=account.secret("token"), session=self._session, api_version=version[1]
        ).api
        base = check_url(account.get("graph_url", GRAPH), field="graph_url").rstrip("/")
        self._session.base_url = httpx.URL(f"{base}/v{version[1]}")
        # Without webhooks nobody knows who wrote to us: then WhatsApp itself says whether a template is needed.
        self._knows_window = bool(account.secret("app_secret", optional=True))

    def _note(self, response: httpx.Response) -> None:
        self._status = response.status_code

    def caps(self) -> Caps:
        """What WhatsApp takes."""
        return _CAPS

    def close(self) -> None:
        """Close the connections; a message that is under way is first let through."""
        self._is_over = True
        if self._busy.acquire(blocking=False):
            try:
                self._session.close()
            finally:
                self._busy.release()

    def poll(self, ids: Sequence[str]) -> tuple[StatusUpdate, ...]:
        """Nothing: the Cloud API only tells webhooks."""
        return ()

    # -- asking --------------------------------------------------------------------------------------------------------
    def probe(self) -> Probe:
        """Look at the number: an answer means that token and id are right."""
        fields = ("display_phone_number", "verified_name", "quality_rating", "name_status", "status")
        try:
            found = self._ask(_PROBE_S, lambda: self._api.get_business_phone_number(self._phone_id, fields=fields))
        except OtherSide as error:
            return Probe(False, error.code, error.message, error.hint or "")
        said = self._account.said
        name = said(f"{found.get('verified_name', '')} {found.get('display_phone_number', '')}")
        rating = said(str(found.get("quality_rating") or ""))
        return Probe(True, "ready", f"sends as {name}" + (f", quality {rating.lower()}" if rating else ""))

    def approved_templates(self) -> tuple[ApprovedTemplate, ...]:
        """The account's templates, approved or not. Raises OtherSide, Refused without `waba_id`."""
        account = self._account.need("waba_id")
        fields = ("name", "language", "category", "status", "components", "parameter_format")
        found: list[ApprovedTemplate] = []
        after: dict[str, str] = {}
        for _ in range(_PAGES_MOST):
            page = {"limit": str(_PAGE), **after}
            answer = self._ask(_PROBE_S, partial(self._api.get_templates, account, fields, pagination=page))
            found += [template_of(row) for row in answer.get("data") or () if isinstance(row, dict)]
            paging = answer.get("paging") or {}
            cursor = (paging.get("cursors") or {}).get("after")
            if not paging.get("next") or not cursor:
                break
            after = {"after": str(cursor)}
        return tuple(found)

    def _ask(self, deadline_s: float, question: Callable[[], Any]) -> dict[str, Any]:
        """A question that changes nothing. Raises OtherSide."""
        import httpx
        from pywa.errors import WhatsAppError

        self._session.timeout = httpx.Timeout(deadline_s)
        try:
            answer = question()
        except WhatsAppError as error:
            result = self._judged(error, 0)
            raise OtherSide(getattr(result, "text", ""), code=getattr(result, "code", "other_side")) from None
        except httpx.TransportError as error:
            raise OtherSide(f"WhatsApp does not answer: {_words(error)}", code="unreachable") from None
        except (KeyError, IndexError, TypeError, ValueError):
            raise OtherSide("something else than the Cloud API answered", code="odd_answer") from None
        return answer if isinstance(answer, dict) else {}

    # -- sending -------------------------------------------------------------------------------------------------------
    def send(self, message: Outgoing, deadline_s: float) -> Result:
        """Send a template, or what was written where the lead wrote within the last 24 hours."""
        if message.template is None and self._knows_window and not message.in_window:
            return Refusal("window_closed", "the lead has not written within 24 hours: only an approved template goes")
        if not self._busy.acquire(timeout=deadline_s):
            return Retry(_BUSY_S, "busy", "the message before it is not through yet")
        try:
            return self._send(message, deadline_s)
        finally:
            self._busy.release()
            if self._is_over:
                self.close()

    def _send(self, message: Outgoing, deadline_s: float) -> Result:
        import httpx

        self._session.timeout = httpx.Timeout(deadline_s, connect=min(10.0, deadline_s))
        media: tuple[str, bool] = ("", False)
        if message.attachment is not None:
            found = self._media(message.attachment)
            if not isinstance(found, tuple):
                return found
            media = found
        made = body_of(message, media[0])
        if isinstance(made, Refusal):
            return made
        kind, body = made
        person = _BSUID.fullmatch(message.address)
        result = self._post(message, lambda: self._api.send_message(
            sender=self._phone_id, to=None if person else message.address.removeprefix("+"),
            recipient=message.address if person else None, recipient_type="individual", typ=kind, msg=body,
            biz_opaque_callback_data=f"leadtui:{message.message_id}",
        ))  # fmt: skip
        if isinstance(result, Refusal) and media[0] and not media[1] and result.code in {str(c) for c in MEDIA}:
            self._forget(message.attachment)  # the file we remembered may be gone
            return Retry(_BUSY_S, result.code, result.text, most=1)
        return result

    def _post(self, message: Outgoing, request: Callable[[], Any]) -> Result:
        """Make the request that sends, and judge what came of it."""
        import httpx
        from pywa.errors import WhatsAppError

        self._status = 0
        try:
            answer = request()
        except WhatsAppError as error:
            return self._judged(error, message.attempt)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError, httpx.PoolTimeout) as error:
            return Retry(_BUSY_S, "unreachable", f"WhatsApp cannot be reached: {_words(error)}", "account")
        except httpx.TransportError as error:
            return Unknown("no_answer", f"the message was on its way and no answer came: {_words(error)}")
        except (KeyError, IndexError, TypeError, ValueError):  # pywa met an answer that is not the Cloud API's
            answer = None
        name = _name_of(answer)
        if name:
            return Accepted(name[:255], self._account.said(str(answer["messages"][0].get("message_status") or "")))
        if self._status < 400:
            return Unknown("no_id", "WhatsApp answered without naming a message")
        return without_error(self._status)

    def _judged(self, error: Any, attempt: int) -> Result:
        """An error that pywa read from an answer: its code, if the answer was really the Cloud API's."""
        status = int(error.status_code or self._status or 0)
        if not _is_graph_error(error.raw_response):
            return without_error(status)
        more = error.details or error.user_msg or ""
        words = error.message if more in error.message else f"{error.message}: {more}"
        return judge(
            int(error.code), self._account.said(words), status=status, attempt=attempt,
            is_transient=bool(error.is_transient), subcode=int(error.subcode or 0),
        )  # fmt: skip

    # -- files ---------------------------------------------------------------------------------------------------------
    def _media(self, file: Attachment) -> tuple[str, bool] | Result:
        """The id of the uploaded file and whether it was uploaded just now; or why the campaign cannot go on."""
        try:
            content = file.path.read_bytes()
        except OSError as error:
            return Pause("attachment", f"the attachment cannot be read: {error.strerror}", "campaign")
        kind = kind_of(file.type)
        if len(content) > SIZES[kind]:
            most = f"{SIZES[kind] // 1_000_000} MB"
            return Pause("too_large", f"{file.name} is larger than WhatsApp takes ({most} for {kind}s)", "campaign")
        key = self._key(file, content)
        if isinstance(known := self._account.keeper.get(key), str):
            return known, False
        import httpx
        from pywa.errors import WhatsAppError

        try:
            answer = self._api.upload_media(self._phone_id, content, file.type, file.name)
            name = str(answer["id"])
        except WhatsAppError as error:
            result = self._judged(error, 0)
            if isinstance(result, Refusal):
                return Pause(result.code, f"WhatsApp does not take {file.name}: {result.text}", "campaign")
            return Retry(_BUSY_S, result.code, result.text) if isinstance(result, Unknown) else result
        except (httpx.TransportError, KeyError, IndexError, TypeError, ValueError) as error:
            return Retry(_BUSY_S, "upload", f"the attachment could not be uploaded: {_words(error)}")
        self._account.keeper.put(key, name, clock.now() + _MEDIA_FOR)
        return name, True

    def _forget(self, file: Attachment | None) -> None:
        if file is not None:
            self._account.keeper.put(self._key(file, file.path.read_bytes()), None, clock.now())

    def _key(self, file: Attachment, content: bytes) -> str:
        return f"media:{self._phone_id}:{hashlib.sha256(content).hexdigest()[:32]}:{file.type}"


def _name_of(answer: Any) -> str:
    """The id of the message that an answer names; "" when it names none."""
    try:
        return str(answer["messages"][0]["id"] or "")
    except (KeyError, IndexError, TypeError):
        return ""


def _is_graph_error(response: httpx.Response | None) -> bool:
    try:
        return response is not None and isinstance(response.json()["error"], dict)
    except (ValueError, KeyError, TypeError):
        return False


def _words(error: BaseException) -> str:
    """What failed, without an address or a text."""
    return _WORDS.get(type(error).__name__, type(error).__name__)


_WORDS: Final = {
    "ReadTimeout": "no answer in time", "WriteTimeout": "no answer in time", "ConnectTimeout": "no connection in time",
    "ReadError": "the connection was lost", "WriteError": "the connection was lost",
    "RemoteProtocolError": "the connection was lost", "ConnectError": "no connection",
}  # fmt: skip


def _open(account: Account) -> Channel:
    return WhatsAppCloud(account)


PLUGIN = Plugin(SPEC, _open, lambda account: _CAPS)
