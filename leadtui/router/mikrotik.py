"""The session with a RouterOS device: connect, log in, one command at a time, every failure named.

The only importer of the RouterOS library. What users and profiles mean lives in `leadtui.router.operations`.
The rules behind it are facts/mikrotik §0 and §a: own connection per job, closed after anything but a trap, because
the library is one reply behind after a time-out; text in and text out, because it casts values by their look and
drops bytes that are not ASCII; nothing logged by the library, because it logs passwords.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from librouteros.exceptions import FatalError
from librouteros.protocol import ApiProtocol, encode_sentence

from leadtui.errors import Invalid
from leadtui.router import tls, wire
from leadtui.router.dialect import trap_kind
from leadtui.router.line import Deadline, Line, dial
from leadtui.router.operations import MikrotikRouter
from leadtui.router.port import (
    DEFAULT_DEADLINE_S,
    CancelToken,
    ProfileMissing,
    RouterAddress,
    RouterCancelled,
    RouterDropped,
    RouterFault,
    RouterLoginRefused,
    RouterMenuMissing,
    RouterPermissionDenied,
    RouterProtocolError,
    RouterRefused,
    RouterTimeout,
)

_log = logging.getLogger("leadtui.router")

_MAX_REPLY_BYTES = 64 * 1024 * 1024
"""The most one reply may hold in memory; beyond it the peer is not a router but a flood."""
_SENTENCE_BYTES = 400
"""What a sentence costs in memory besides its words: a flood of empty rows is a flood, too."""

_REPLY_WORD_MAX = 16
_REPLY_WORDS = {"!re", "!empty", "!trap", "!done"}


class _QuietProtocol(ApiProtocol):  # type: ignore[misc]  # the library is untyped
    """The library's protocol without its log, which writes `=password=…` at DEBUG; empty sentences are skipped."""

    def writeSentence(self, cmd: str, *words: str) -> None:  # noqa: N802 - the library's name
        self.transport.write(encode_sentence(cmd, *words, encoding=self.encoding))

    def readSentence(self) -> tuple[str, tuple[str, ...]]:  # noqa: N802 - the library's name
        while not (kind := self._read_reply_word()):
            pass  # an empty sentence before a reply is legal and means nothing
        return kind, tuple(iter(self.readWord, ""))

    def _read_reply_word(self) -> str:
        """The first word; what cannot be one ends the conversation at once instead of being waited out to its end."""
        length = wire.read_length(self.transport.read, _REPLY_WORD_MAX)
        return str(self.transport.read(length), "latin-1")


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole answer: the rows, and the attributes of `!done` (`ret`)."""

    rows: tuple[Mapping[str, str], ...]
    done: Mapping[str, str]


class _TrapError(Exception):
    """One or more `!trap` in an otherwise complete reply: the connection stays in step."""

    def __init__(self, messages: Sequence[str]) -> None:
        super().__init__()
        self.message = "; ".join(dict.fromkeys(messages))


def _attributes(words: Sequence[str]) -> dict[str, str]:
    """`=name=value` words as text, `.tag` and anything else ignored: no casts, no crash (facts/mikrotik §a, Cure)."""
    found = {}
    for word in words:
        if word.startswith("="):
            name, _, value = word[1:].partition("=")
            found[name] = value
    return found


def _sentence(command: str, attributes: Mapping[str, str], queries: Sequence[str] = ()) -> list[str]:
    """The words as the library wants them: each character one byte of the UTF-8. `WireError` when that cannot be."""
    words = (command, *(f"={name}={value}" for name, value in attributes.items()), *queries)
    return [wire.to_bytes(word).decode("latin-1") for word in words]


class Session:
    """A logged-in connection. `unsettled` is True while a change was sent that has not been read back."""

    def __init__(self, line: Line, address: RouterAddress, deadline: Deadline, cancel: CancelToken) -> None:
        self.label = address.label
        self.cancel_token = cancel
        self.unsettled = False
        self._line = line
        self._deadline = deadline
        self._protocol = _QuietProtocol(transport=line, encoding="latin-1")
        self._closed = False
        self._secrets: set[str] = set()
        self.hide(address.password.reveal())

    def hide(self, secret: str) -> None:
        """Never let this text into a message or a log, even when the router quotes it."""
        if len(secret) >= 4:  # shorter ones occur in any sentence
            self._secrets.add(secret)

    def login(self, username: str, password: str) -> None:
        """Log in, plain or by the challenge of RouterOS before 6.43; `RouterLoginRefused` when turned away."""
        try:
            done = self._talk(_sentence("/login", {"name": username, "password": password})).done
            if challenge := done.get("ret"):
                # An old router ignores the plain words and answers a challenge: success only in looks.
                digest = hashlib.md5(
                    b"\0" + wire.to_bytes(password) + bytes.fromhex(challenge), usedforsecurity=False
                ).hexdigest()
                self._talk(_sentence("/login", {"name": username, "response": f"00{digest}"}))
        except _TrapError as trap:
            self.close()
            said = self._clean(trap.message)
            _log.warning("%s refused the login: %s", self.label, said)
            raise RouterLoginRefused(
                f"{self.label} refused the login of {username}: {said}.",
                router_said=said,
                hint="check user name, password, and that the user's group has the api policy",
            ) from None
        except Exception as error:
            raise self._failure(error, "log in") from error

    def call(
        self,
        command: str,
        attributes: Mapping[str, str] | None = None,
        queries: Sequence[str] = (),
        *,
        doing: str,
        write: bool = False,
    ) -> Reply:
        """Send one command and read its whole reply.

        `doing` completes the sentence "The router could not …". A `write` that is not answered leaves `unsettled`
        True and its failure `outcome_unknown`; one that is answered stays unsettled until the caller has read back.
        """
        if self._closed:
            raise RouterDropped(
                f"The connection to {self.label} is closed; it could not {doing}.", outcome_unknown=self.unsettled
            )
        try:
            words = _sentence(command, attributes or {}, queries)
        except wire.WireError as error:
            raise Invalid(f"{self.label} could not {doing}: {error}.") from error
        settled_before = not self.unsettled
        try:
            self._deadline.remaining()
            self.unsettled = self.unsettled or write
            reply = self._talk(words)
        except _TrapError as trap:
            self.unsettled = not settled_before
            raise self._trap(trap.message, doing, attributes or {}) from None
        except Exception as error:
            raise self._failure(error, doing) from error
        except BaseException:  # an interrupt in the middle leaves the connection out of step
            self.close()
            raise
        _log.debug("%s: %s (%s) answered %d rows", self.label, command, ", ".join(attributes or ()), len(reply.rows))
        return reply

    def _talk(self, words: Sequence[str]) -> Reply:
        self._protocol.writeSentence(*words)
        rows: list[Mapping[str, str]] = []
        traps: list[str] = []
        size = 0
        while True:
            kind, raw = self._protocol.readSentence()
            size += _SENTENCE_BYTES + sum(map(len, raw))
            if size > _MAX_REPLY_BYTES:
                raise ValueError("the reply does not end")
            texts = [wire.to_text(word.encode("latin-1")) for word in raw]
            if kind == "!fatal":
                raise FatalError(texts[0] if texts else "no reason given")
            if kind not in _REPLY_WORDS:
                raise ValueError("not a reply of the RouterOS API")
            if kind == "!re":
                rows.append(_attributes(texts))
            elif kind == "!trap":
                traps.append(_attributes(texts).get("message") or "no reason given")
            elif kind == "!done":
                if traps:
                    raise _TrapError(traps)
                return Reply(tuple(rows), _attributes(texts))

    def _clean(self, said: str) -> str:
        for secret in self._secrets:
            said = said.replace(secret, "•••")
        return wire.shown(said).rstrip(".")

    def _trap(self, message: str, doing: str, sent: Mapping[str, str]) -> RouterFault:
        said = self._clean(message)
        _log.warning("%s could not %s: %s", self.label, doing, said)
        text = f"{self.label} could not {doing}: {said}."
        unknown = self.unsettled
        kind = trap_kind(message)
        if kind == "permission":
            return RouterPermissionDenied(
                text,
                outcome_unknown=unknown,
                router_said=said,
                hint="the router account needs the policies api, read and write",
            )
        if kind == "no_menu":
            return RouterMenuMissing(
                text, outcome_unknown=unknown, router_said=said, hint="this version or its packages lack the menu"
            )
        if kind == "no_profile":
            return ProfileMissing(
                text, profile=sent.get("profile", ""), hint="push the package's profile to the router first"
            )
        return RouterRefused(text, outcome_unknown=unknown, router_said=said)

    def _failure(self, error: Exception, doing: str) -> RouterFault:
        """Close, for after this nothing more can be believed, and name what happened."""
        self.close()
        unknown = self.unsettled
        if self.cancel_token.cancelled:
            return RouterCancelled(f"The work on {self.label} was cancelled.", outcome_unknown=unknown)
        if isinstance(error, TimeoutError):
            fault: RouterFault = RouterTimeout(
                f"{self.label} did not answer within {self._deadline.seconds:g} s; it could not {doing}.",
                outcome_unknown=unknown,
            )
        elif isinstance(error, FatalError):
            said = self._clean(str(error))
            fault = RouterDropped(
                f"{self.label} ended the connection: {said}.", outcome_unknown=unknown, router_said=said
            )
        elif isinstance(error, OSError):
            fault = RouterDropped(
                f"The connection to {self.label} broke while it was asked to {doing}.", outcome_unknown=unknown
            )
        else:
            fault = RouterProtocolError(
                f"{self.label} answered something that is not the RouterOS API.",
                outcome_unknown=unknown,
                hint="check that the port is the one of the api service",
            )
        _log.warning("%s (%s)", fault.message, type(error).__name__)
        return fault

    def close(self) -> None:
        """Close the line. Never blocks; may be called twice."""
        self._closed = True
        self._line.close()


def open_router(
    address: RouterAddress, *, deadline_s: float = DEFAULT_DEADLINE_S, cancel: CancelToken | None = None
) -> MikrotikRouter:
    """Connect, secure and log in; see `leadtui.router.open_router`."""
    token = cancel or CancelToken()
    deadline = Deadline(deadline_s)
    line = dial(address.host, address.port, deadline, token, address.label)
    with contextlib.ExitStack() as on_failure:
        on_failure.callback(line.close)
        if address.tls != "plain":
            try:
                tls.secure(line, address)
            except RouterFault as fault:
                if token.cancelled:
                    raise RouterCancelled(f"Connecting to {address.label} was cancelled.") from fault
                raise
        session = Session(line, address, deadline, token)
        session.login(address.username, address.password.reveal())
        on_failure.pop_all()
    return MikrotikRouter(session)
