"""One client of the training router: reads sentences, logs in, answers, and fails as the fault plan says."""

from __future__ import annotations

import contextlib
import hashlib
import secrets
import socket
import struct
import threading
from collections.abc import Callable, Mapping, Sequence

from leadtui.router.dialect import CHALLENGE_UNTIL, EMPTY_REPLY_FROM, PLAIN_ONLY_FROM, Version
from leadtui.router.simulator.commands import Answer, Commands, SimulatorUser
from leadtui.router.simulator.faults import FaultPlan, FaultRule
from leadtui.router.simulator.menus import Trap
from leadtui.router.wire import WireError, encode_sentence, read_sentence, to_bytes, to_text

Sentence = Sequence[str]
_GARBAGE = b"HTTP/1.1 400 Bad Request\r\nServer: not-a-router\r\n\r\n\xff\xfe\xfd\xfc"


class _Gone(Exception):
    """The conversation is over."""


class Peer:
    """Serves one socket until it ends or `stop` is set. `run` is the body of the peer's thread."""

    def __init__(
        self,
        sock: socket.socket,
        *,
        commands: Commands,
        users: Mapping[str, SimulatorUser],
        faults: FaultPlan,
        version: Version,
        stop: threading.Event,
        secure: Callable[[socket.socket], socket.socket] | None,
    ) -> None:
        self._sock = sock
        self._commands = commands
        self._users = users
        self._faults = faults
        self._version = version
        self._stop = stop
        self._secure = secure
        self._user: SimulatorUser | None = None
        self._challenge = b""

    def cut(self) -> None:
        """End the conversation, from any thread."""
        with contextlib.suppress(OSError):
            socket.socket.shutdown(self._sock, socket.SHUT_RDWR)

    def run(self) -> None:
        """Serve until the end."""
        try:
            if self._secure is not None:
                self._sock = self._secure(self._sock)
            while not self._stop.is_set():
                words = [to_text(word) for word in read_sentence(self._read)]
                if words:
                    self._serve(words)
        except (_Gone, OSError, WireError):
            pass
        finally:
            self._close()

    def _close(self) -> None:
        """Close as a router does: end of stream first, so that unread input does not turn it into a reset."""
        self.cut()
        self._sock.close()

    def _read(self, length: int) -> bytes:
        data = bytearray()
        while len(data) < length:
            got = self._sock.recv(length - len(data))
            if not got:
                raise _Gone
            data += got
        return bytes(data)

    # One command

    def _serve(self, words: Sentence) -> None:
        command = words[0]
        given = dict(word[1:].split("=", 1) for word in words[1:] if word.startswith("=") and "=" in word[1:])
        # `=!name` clears a property; it has no value and no second `=`.
        given.update({word[1:]: "" for word in words[1:] if word.startswith("=!") and "=" not in word[1:]})
        queries = [word for word in words[1:] if word.startswith("?")]
        tag = next((word for word in words[1:] if word.startswith(".tag=")), None)
        rule = self._faults.take(command)
        if rule is None:
            self._send(self._answer(command, given, queries), tag)
        else:
            self._fail(rule, tag, lambda: self._answer(command, given, queries))

    def _answer(self, command: str, given: Mapping[str, str], queries: Sequence[str]) -> list[Sentence]:
        if command == "/login":
            return self._login(given)
        if command == "/quit":
            return [("!fatal", "session terminated on request")]
        if self._user is None:
            return [("!fatal", "not logged in")]
        try:
            answer = self._commands.run(command, given, queries, self._user)
        except Trap as trap:
            return _traps(trap)
        return self._sentences(answer)

    def _sentences(self, answer: Answer) -> list[Sentence]:
        out: list[Sentence] = [("!re", *(f"={k}={v}" for k, v in row.items())) for row in answer.rows]
        if answer.is_print and not out and self._version >= EMPTY_REPLY_FROM:
            out.append(("!empty",))
        out.append(("!done", *(f"={k}={v}" for k, v in answer.done.items())))
        return out

    def _login(self, given: Mapping[str, str]) -> list[Sentence]:
        user = self._users.get(given.get("name", ""))
        if "response" in given and self._version < PLAIN_ONLY_FROM:
            if user is not None:
                digest = hashlib.md5(b"\0" + to_bytes(user.password) + self._challenge, usedforsecurity=False)
                if not self._challenge or given["response"] != f"00{digest.hexdigest()}":
                    user = None
        elif self._version < CHALLENGE_UNTIL or (not given and self._version < PLAIN_ONLY_FROM):
            self._challenge = secrets.token_bytes(16)
            return [("!done", f"=ret={self._challenge.hex()}")]
        elif user is not None and given.get("password", "") != user.password:
            user = None
        if user is None or "api" not in user.policies:
            old = self._version < CHALLENGE_UNTIL
            return _traps(Trap(("cannot log in" if old else "invalid user name or password (6)", None)))
        self._user = user
        return [("!done",)]

    def _send(self, sentences: Sequence[Sentence], tag: str | None = None, *, byte_delay_s: float = 0.0) -> None:
        data = _encoded(sentences, tag)
        if byte_delay_s:
            for byte in data:
                self._pause(byte_delay_s)
                self._sock.sendall(bytes([byte]))
        else:
            self._sock.sendall(data)
        if sentences and sentences[-1][0] == "!fatal":
            raise _Gone

    # Failing

    def _pause(self, seconds: float) -> None:
        if self._stop.wait(seconds):
            raise _Gone

    def _hang(self) -> None:
        """Read and forget until the peer gives up or the router stops."""
        while self._sock.recv(4096):
            pass
        raise _Gone

    def _reset(self) -> None:
        """Close with RST instead of FIN."""
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._sock.close()
        raise _Gone

    def _fail(self, rule: FaultRule, tag: str | None, apply: Callable[[], list[Sentence]]) -> None:
        action = rule.action
        if action == "refuse":
            self._send(_traps(Trap((rule.text or "failure: refused by the training router", None))), tag)
        elif action == "no_permission":
            self._send(_traps(Trap(("not enough permissions (9)", None))), tag)
        elif action == "no_menu":
            self._send(_traps(self._commands.missing_menu()), tag)
        elif action == "forget":
            self._send([("!done",)], tag)
        elif action == "fatal":
            self._send([("!fatal", rule.text or "session terminated on request")], tag)
        elif action == "hang_before":
            self._hang()
        elif action == "drop_before":
            raise _Gone
        elif action == "rst_before":
            self._reset()
        elif action == "garbage":
            self._sock.sendall(_GARBAGE)
            self._hang()
        elif action in ("delay", "late"):
            self._delayed(rule, tag, apply)
        else:
            self._fail_after(rule, tag, apply())

    def _delayed(self, rule: FaultRule, tag: str | None, apply: Callable[[], list[Sentence]]) -> None:
        self._pause(rule.delay_s)
        sentences = apply()  # a late command takes effect even when nobody waits for its answer any more
        self._send(sentences, tag)

    def _fail_after(self, rule: FaultRule, tag: str | None, sentences: list[Sentence]) -> None:
        """The faults of a command that has been applied."""
        if rule.action == "hang_after":
            self._hang()
        elif rule.action == "rst_after":
            self._reset()
        elif rule.action == "fatal_after":
            self._send([("!fatal", rule.text or "session terminated on request")], tag)
        elif rule.action == "garbage_after":
            self._sock.sendall(_GARBAGE)
            self._hang()
        elif rule.action == "truncate":
            data = _encoded(sentences, tag)
            self._sock.sendall(data[: len(data) // 2])
        elif rule.action == "slow_bytes":
            self._send(sentences, tag, byte_delay_s=rule.delay_s)
            return
        raise _Gone


def _encoded(sentences: Sequence[Sentence], tag: str | None) -> bytes:
    """The sentences as bytes, `tag` right after each reply word as real routers do."""
    marked = ([s[0], tag, *s[1:]] if tag and s[0] != "!fatal" else s for s in sentences)
    return b"".join(encode_sentence(to_bytes(word) for word in sentence) for sentence in marked)


def _traps(trap: Trap) -> list[Sentence]:
    out: list[Sentence] = []
    for message, category in trap.traps:
        words = () if category is None else (f"=category={category}",)
        out.append(("!trap", *words, f"=message={message}"))
    return [*out, ("!done",)]
