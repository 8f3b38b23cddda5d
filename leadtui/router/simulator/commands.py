"""What the training router answers to one command of a logged-in user: menus, permissions, properties wanted."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from leadtui.router.simulator.menus import MENUS, Menu, Trap, duration
from leadtui.router.simulator.state import SESSION_USER, RouterState

ALL_POLICIES = frozenset({"api", "read", "write", "sensitive", "test", "policy"})
_READING = frozenset({"print", "getall"})
_PRINT_WORDS = frozenset({".proplist", "count-only", "detail", "without-paging", "stats", "terse"})
_SINGLES = ("/system/identity", "/system/resource")


@dataclass(frozen=True, slots=True)
class SimulatorUser:
    """An account of the training router: its password and its group's policies."""

    password: str
    policies: frozenset[str] = ALL_POLICIES


@dataclass(frozen=True, slots=True)
class Answer:
    """The rows and the attributes of `!done`. `is_print` says whether an empty answer is announced by `!empty`."""

    rows: Sequence[Mapping[str, str]] = ()
    done: Mapping[str, str] = field(default_factory=dict)
    is_print: bool = False


class Commands:
    """Runs commands on a state. `version` and `board` are what `/system/resource` tells; `without` are menus that are
    missing with all below them.
    """

    def __init__(self, state: RouterState, *, version: str, board: str, without: Iterable[str] = ()) -> None:
        self._state = state
        self._version = version
        self._board = board
        self._without = tuple(f"{path}/" for path in without)
        self._started = time.monotonic()

    def missing_menu(self) -> Trap:
        """The refusal of a menu this router does not have: two traps on v7, one on v6."""
        if self._state.is_v7:
            return Trap(("no such command or directory (x)", 0), ("no such command prefix", 0))
        return Trap(("no such command prefix", None))

    def run(self, command: str, words: Mapping[str, str], queries: Sequence[str], user: SimulatorUser) -> Answer:
        """Run one command; `Trap` when it is refused."""
        path, _, verb = command.rpartition("/")
        menu = None if f"{path}/".startswith(self._without) else MENUS.get(path)
        if menu is None and path not in _SINGLES:
            raise self.missing_menu()
        verbs = menu.verbs if menu else _READING | ({"set"} if path == "/system/identity" else set())
        if verb not in verbs:
            raise Trap(("no such command", 0 if self._state.is_v7 else None))
        if ("read" if verb in _READING else "write") not in user.policies:
            raise Trap(("not enough permissions (9)", None))
        if menu is None:
            return self._single(path, verb, words, queries)
        if verb in _READING:
            rows = self._state.print_rows(menu, queries, secrets="sensitive" in user.policies)
            return self._printed(list(rows), words)
        return self._write(menu, verb, words)

    def _printed(self, rows: Sequence[Mapping[str, str]], words: Mapping[str, str]) -> Answer:
        for name in words:
            if name not in _PRINT_WORDS:
                raise Trap((f"unknown parameter {name}" if self._state.is_v7 else "unknown parameter", None))
        if "count-only" in words:
            return Answer(done={"ret": str(len(rows))})
        if ".proplist" in words:
            wanted = words[".proplist"].split(",")
            rows = [{name: row[name] for name in wanted if name in row} for row in rows]
        return Answer(rows, is_print=True)

    def _single(self, path: str, verb: str, words: Mapping[str, str], queries: Sequence[str]) -> Answer:
        if verb == "set":
            self._state.rename(words.get("name", ""))
            return Answer()
        if path == "/system/identity":
            return self._printed([{"name": self._state.identity}], words)
        row = {
            "uptime": duration("uptime", str(int(time.monotonic() - self._started) + 93_784)),
            "version": self._version,
            "free-memory": "3905945600",
            "total-memory": "4294967296",
            "cpu": "ARM64",
            "cpu-count": "16",
            "cpu-load": str(self._cpu_load()),
            "architecture-name": "arm64",
            "board-name": self._board,
            "platform": "MikroTik",
        }
        return self._printed([row], words)

    def _cpu_load(self) -> int:
        """A little for the router itself, more with every customer online, in percent."""
        online = sum(len(list(self._state.print_rows(MENUS[path], (), secrets=False))) for path in SESSION_USER)
        return min(95, 3 + online // 25)

    def _write(self, menu: Menu, verb: str, words: Mapping[str, str]) -> Answer:
        state = self._state
        given = dict(words)
        if verb == "add":
            return Answer(done={"ret": state.add(menu, given)})
        numbers = given.pop(".id", None) or given.pop("numbers", None)
        if verb == "remove":
            state.remove(menu, numbers)
        elif verb == "unset":
            state.unset(menu, numbers, given.get("value-name"))
        elif verb == "comment":
            state.set(menu, numbers, {"comment": given.get("comment", "")})
        elif verb in ("enable", "disable"):
            state.set(menu, numbers, {"disabled": "yes" if verb == "disable" else "no"})
        else:
            state.set(menu, numbers, given)
        return Answer()
