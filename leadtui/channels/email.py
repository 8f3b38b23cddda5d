"""Channel `email`: one message to one address over SMTP, in plain text (standard library; facts/messaging §3).

Every message carries a Message-ID that is the same on every try, and a way to unsubscribe. Once the text is on its way
and the server stays silent, nobody knows whether it took it: that is `Unknown`, never a second try.
"""

from __future__ import annotations

import smtplib
import socket
import ssl
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from email.errors import HeaderParseError
from email.message import EmailMessage

from leadtui.channels.email_mail import AT, compose, dotted, id_of
from leadtui.channels.port import (
    Accepted,
    Account,
    Caps,
    Channel,
    Final,
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
    said,
)
from leadtui.errors import Refused

SPEC = Spec(
    name="email",
    title="E-mail (SMTP)",
    settings=(
        Setting("host", "the mail server that takes outgoing mail", required=True),
        Setting("port", "its port; else 587, 465 with ssl, 25 without encryption", kind="number"),
        Setting("security", "how the connection is encrypted", default="starttls", choices=("starttls", "ssl", "none")),
        Setting("username", "the login name at the mail server; empty: no login"),
        Setting("from", "the sender's address", required=True),
        Setting("from_name", "the sender's name as it is shown"),
        Setting("reply_to", "where answers go, if not to the sender"),
        Setting("unsubscribe", "the address that unsubscribe mails go to, if not the sender's"),
        Setting("footer", "the last line of each message, such as how to unsubscribe"),
        Setting("ca", "a file with the CA of the server's certificate", kind="file"),
        Setting("password", "the password of the login name", secret=True),
    ),
)

_CAPS = Caps(address="email", activity="email", has_subject=True, media=("*/*",), max_media_bytes=20_000_000)
_PORTS = {"starttls": 587, "ssl": 465, "none": 25}
_CONNECT_LIMIT_S = 10.0
_PROBE_S = 15.0
_GREYLISTED_S = 300.0
"""Servers that turn a first try away (4xx) want some minutes between two."""
_BUSY_S = 60.0

_NO_MAILBOX = frozenset({"5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10"})
"""Extended codes of an address that does not exist: it bounced, and is not written to again."""
_BLOCKED = frozenset({"5.7.1", "5.7.26", "5.7.27"})
"""Extended codes by which a server turns away who sends rather than whom it is for."""


class EmailChannel:
    """One SMTP connection, opened with the first message and kept for those after it."""

    name = "email"

    def __init__(self, account: Account) -> None:
        self._account = account
        self._host = account.need("host")
        self._from = account.need("from")
        self._security = account.get("security", "starttls")
        self._port = int(account.get("port") or _PORTS.get(self._security, 587))
        self._username = account.get("username")
        self._password = account.secret("password") if self._username else ""
        self._open: smtplib.SMTP | None = None
        self._busy = threading.Lock()  # a call that its caller gave up may still be at the connection
        self._is_over = False

    def caps(self) -> Caps:
        """What SMTP can: any file, no word of what became of it."""
        return _CAPS

    def probe(self) -> Probe:
        """Connect, encrypt, log in; no mail is begun."""
        try:
            self._connect(time.monotonic() + _PROBE_S)
        except _NotReady as error:
            return Probe(False, error.code, error.text, error.hint)
        finally:
            self.close()
        return Probe(True, "ready", f"{self._host}:{self._port} takes mail from {self._from}")

    def send(self, message: Outgoing, deadline_s: float) -> Result:
        """Send one mail. `Accepted` keeps the server's words; whether it bounces is told by mail, later."""
        until = time.monotonic() + deadline_s
        try:
            mail = compose(self._account, message)
        except (ValueError, HeaderParseError, IndexError):  # the last: the parser of addresses, on odd ones
            return Final("bad_address", "this is not an e-mail address")
        except OSError as error:
            return Pause("attachment", f"the attachment cannot be read: {error.strerror}", "campaign")
        if not self._busy.acquire(timeout=deadline_s):
            return Retry(_BUSY_S, "busy", "the mail before it is not through yet")
        try:
            return self._deliver(self._ready(until), mail, message, until)
        except _NotReady as error:
            return (
                Pause(error.code, error.text) if error.is_setup else Retry(_BUSY_S, error.code, error.text, "account")
            )
        finally:
            self._busy.release()
            if self._is_over:
                self.close()

    def poll(self, ids: Sequence[str]) -> tuple[StatusUpdate, ...]:
        """Nothing: SMTP cannot be asked."""
        return ()

    def close(self) -> None:
        """Take leave of the server; a mail that is under way is first let through."""
        self._is_over = True
        if self._busy.acquire(blocking=False):
            try:
                self._hang_up()
            finally:
                self._busy.release()

    def _hang_up(self) -> None:
        server, self._open = self._open, None
        if server is not None:
            _limit(server, time.monotonic() + 2.0)
            with suppress(OSError, smtplib.SMTPException):
                server.quit()
            server.close()

    # -- the server ----------------------------------------------------------------------------------------------------
    def _ready(self, until: float) -> smtplib.SMTP:
        """The open connection when it still answers, else a new one. Raises _NotReady."""
        if self._open is not None:
            _limit(self._open, until)
            with suppress(OSError, smtplib.SMTPException):
                if self._open.rset()[0] == 250:
                    return self._open
            self._hang_up()
        return self._connect(until)

    def _connect(self, until: float) -> smtplib.SMTP:
        where = f"{self._host}:{self._port}"
        timeout_s = max(0.1, min(_CONNECT_LIMIT_S, until - time.monotonic()))
        try:
            context = self._tls()
        except (OSError, ssl.SSLError):
            raise _NotReady("ca", "the CA file cannot be read", is_setup=True) from None
        try:
            server = (
                smtplib.SMTP_SSL(self._host, self._port, timeout=timeout_s, context=context)
                if self._security == "ssl"
                else smtplib.SMTP(self._host, self._port, timeout=timeout_s)
            )
        except ssl.SSLError as error:
            raise _tls_error(where, error) from None
        except smtplib.SMTPException as error:
            raise _NotReady("not_greeted", f"{where} does not greet as a mail server: {_said(error)}") from None
        except socket.gaierror:
            raise _NotReady("no_host", f"the host {self._host} is not known", "check its name") from None
        except OSError as error:
            words = error.strerror or "no answer in time"
            raise _NotReady("unreachable", f"{where} cannot be reached: {words}") from None
        self._open = server
        try:
            self._introduce(server, where, until, context)
        except BaseException:
            self._hang_up()
            raise
        return server

    def _introduce(self, server: smtplib.SMTP, where: str, until: float, context: ssl.SSLContext) -> None:
        """STARTTLS and login. Raises _NotReady."""
        _limit(server, until)
        try:
            if self._security == "starttls":
                server.starttls(context=context)
                _limit(server, until)
            server.ehlo_or_helo_if_needed()
            if self._username:
                server.login(self._username, self._password)
        except ssl.SSLError as error:
            raise _tls_error(where, error) from None
        except smtplib.SMTPNotSupportedError as error:
            code = "no_login" if "AUTH" in str(error).upper() else "no_starttls"
            raise _NotReady(code, f"{where}: {error}", "set security to what the server has", is_setup=True) from None
        except smtplib.SMTPAuthenticationError as error:
            is_setup = error.smtp_code >= 500
            raise _NotReady(
                "login", f"{where} refuses the login of {self._username}: {_said(error)}", is_setup=is_setup
            ) from None
        except (OSError, smtplib.SMTPException) as error:
            raise _NotReady("unreachable", f"{where} broke off: {_said(error)}") from None

    def _tls(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self._account.get("ca") or None)

    # -- delivering ----------------------------------------------------------------------------------------------------
    def _deliver(self, server: smtplib.SMTP, mail: EmailMessage, message: Outgoing, until: float) -> Result:
        """MAIL, RCPT, DATA, told apart: what is refused before the text went was not sent, after it nobody knows."""
        text = mail.as_bytes()
        options = ["SMTPUTF8"] if not message.address.isascii() else []
        if options and not server.has_extn("smtputf8"):
            return Final("no_smtputf8", "the mail server cannot send to such an address")
        try:
            for command, judge in (
                (lambda: server.mail(self._from, options), _sender_refused),
                (lambda: server.rcpt(message.address.strip()), _recipient_refused),
                (lambda: server.docmd("DATA"), _text_refused),
            ):
                code, words = self._ask(server, command, until)
                if code not in {250, 251, 354}:
                    return self._refused(judge(code, words))
        except (OSError, smtplib.SMTPException, UnicodeError) as error:
            self._drop()
            return Retry(_BUSY_S, "broke_off", f"the mail server broke off: {_said(error)}")
        try:
            _limit(server, until)
            server.send(dotted(text))
            _limit(server, until)
            code, answer = server.getreply()
        except (OSError, smtplib.SMTPException) as error:
            self._drop()
            return Unknown("no_answer", f"the mail server took the text and did not answer: {_said(error)}",
                           id_of(self._from, message))  # fmt: skip
        if code == 250:
            return Accepted(id_of(self._from, message), _decoded(answer))
        return self._refused(_text_refused(code, _decoded(answer)))

    @staticmethod
    def _ask(server: smtplib.SMTP, command: Callable[[], tuple[int, bytes]], until: float) -> tuple[int, str]:
        _limit(server, until)
        code, answer = command()
        return code, _decoded(answer)

    def _refused(self, result: Result) -> Result:
        """A refusal; 421 means that the server hangs up."""
        if isinstance(result, Retry) and result.code == "421":
            self._drop()
        return result

    def _drop(self) -> None:
        server, self._open = self._open, None
        if server is not None:
            server.close()


class _NotReady(Exception):
    """No mail can be begun. `is_setup`: a person must change something before it can."""

    def __init__(self, code: str, text: str, hint: str = "", *, is_setup: bool = False) -> None:
        super().__init__(text)
        self.code, self.text, self.hint, self.is_setup = code, text, hint, is_setup


def _tls_error(where: str, error: ssl.SSLError) -> _NotReady:
    if isinstance(error, ssl.SSLCertVerificationError):
        text = f"the certificate of {where} is not trusted: {error.verify_message}"
        return _NotReady("certificate", text, "name its CA with the setting ca", is_setup=True)
    return _NotReady("tls", f"{where} does not speak TLS as set", "try another setting of security", is_setup=True)


# -- what a refusal means ----------------------------------------------------------------------------------------------
def _sender_refused(code: int, words: str) -> Result:
    """To MAIL: who sends is refused, so everybody after this one would be, too."""
    if 400 <= code < 500:
        return Retry(_BUSY_S, str(code), words, "account")
    return Pause("sender_refused", f"the mail server refuses the sender: {words}")


def _recipient_refused(code: int, words: str) -> Result:
    """To RCPT: 4xx later, 5xx never; an address that does not exist is not written to again."""
    if 400 <= code < 500:
        return Retry(
            _BUSY_S if code == 421 else _GREYLISTED_S, str(code), words, "account" if code == 421 else "message"
        )
    extended = words.partition(" ")[0]
    if code == 530:
        return Pause("login_needed", f"the mail server wants a login: {words}")
    if extended in _BLOCKED or (code == 550 and "relay" in words.lower()):
        return Pause("sender_refused", f"the mail server does not take this from us: {words}")
    return Final(str(code), words, suppress="bounced" if extended in _NO_MAILBOX else "")


def _text_refused(code: int, words: str) -> Result:
    """To DATA or after the text: it was not taken."""
    if 400 <= code < 500:
        return Retry(_BUSY_S, str(code), words, "account" if code in {421, 452} else "message")
    if code == 552:
        return Pause("too_large", f"the mail is too large for the server: {words}", "campaign")
    return Final(str(code), words)


# -- pieces ------------------------------------------------------------------------------------------------------------
def _limit(server: smtplib.SMTP, until: float) -> None:
    """Let the next wait on the socket end at the deadline."""
    if server.sock is not None:
        with suppress(OSError):  # it is closed already: what comes next says so
            server.sock.settimeout(max(0.05, until - time.monotonic()))


def _decoded(answer: bytes) -> str:
    return said(answer.decode("utf-8", "replace"))


def _said(error: BaseException) -> str:
    """What a server or the system said, without what we said to it."""
    if isinstance(error, smtplib.SMTPResponseException):
        answer = error.smtp_error
        return f"{error.smtp_code} {_decoded(answer if isinstance(answer, bytes) else str(answer).encode())}"
    if isinstance(error, TimeoutError):
        return "no answer in time"
    return said(getattr(error, "strerror", None) or str(error)) or type(error).__name__


def _open(account: Account) -> Channel:
    if account.get("security", "starttls") not in _PORTS:
        raise Refused("security is one of starttls, ssl, none", code="channel_setup", field="security")
    if not AT.fullmatch(account.need("from")) or not account.get("from").isascii():
        raise Refused(
            "the sender's address is none", code="channel_setup", field="from", hint="such as sales@isp.example"
        )
    return EmailChannel(account)


PLUGIN = Plugin(SPEC, _open, lambda account: _CAPS)
