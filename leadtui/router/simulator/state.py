"""What the training router holds: rows by menu, ids that are never used again, references by id, a state file.

The file is replaced as a whole after every change and before the change is answered, so that a killed simulator comes
back with exactly what it acknowledged (and nothing else is written half).
"""

from __future__ import annotations

import contextlib
import ipaddress
import json
import os
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from leadtui.errors import Refused
from leadtui.router.simulator.menus import MENUS, Menu, Trap, no_item
from leadtui.router.simulator.query import QueryError, matches

_FORMAT = 1

SESSION_USER: Mapping[str, str] = {"/ppp/active": "name", "/ip/hotspot/active": "user"}
"""The menus of running sessions, and what they call the user."""

Values = Mapping[str, str]


class RouterState:
    """The rows of all menus. Every method that changes something persists it before it returns.

    `version` decides between the wordings of RouterOS 6 and 7. A missing or absent `state_file` starts from `seed`:
    menu → rows, with `.id` where the id matters. Raises `Refused` for a file that is not a state file.
    """

    def __init__(
        self,
        state_file: Path | None,
        seed: Mapping[str, Sequence[Values]],
        *,
        identity: str,
        is_v7: bool,
    ) -> None:
        self.lock = threading.RLock()
        self.is_v7 = is_v7
        self.identity = identity
        self._file = state_file
        self._rows: dict[str, dict[str, dict[str, str]]] = {path: {} for path in MENUS}
        self._next_id: dict[str, int] = dict.fromkeys(MENUS, 1)
        if state_file is not None and state_file.exists():
            self._load(state_file)
        else:
            for path, rows in seed.items():
                for values in rows:
                    self._seed(path, values)
            self._save()

    # The file

    def _load(self, file: Path) -> None:
        try:
            stored: dict[str, Any] = json.loads(file.read_text(encoding="ascii"))
            if stored["format"] != _FORMAT:
                raise ValueError("another format")
            self.identity = stored["identity"]
            for path, menu in stored["menus"].items():
                rows = {row_id: dict(row) for row_id, row in menu["rows"].items()}
                for row in rows.values():
                    if row.get("comment") == "":
                        del row["comment"]
                self._rows[path] = rows
                self._next_id[path] = int(menu["next_id"])
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise Refused(
                f"{file} is not a state file of the training router.",
                field="state",
                hint="choose another file name, or remove it to start afresh",
            ) from error

    def _save(self) -> None:
        if self._file is None:
            return
        stored = {
            "format": _FORMAT,
            "identity": self.identity,
            "menus": {p: {"next_id": self._next_id[p], "rows": rows} for p, rows in self._rows.items()},
        }
        self._file.parent.mkdir(parents=True, exist_ok=True)
        # Readable by its owner alone: it holds passwords, as a router's flash does.
        new = self._file.with_name(f".{self._file.name}.new")
        with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="ascii") as out:
            out.write(json.dumps(stored))  # `dump` to a stream is several times slower
        os.replace(new, self._file)

    # Rows

    def _new_id(self, path: str) -> str:
        row_id = f"*{self._next_id[path]:X}"
        self._next_id[path] += 1
        return row_id

    def _seed(self, path: str, values: Values) -> None:
        menu = MENUS[path]
        row_id = values.get(".id") or self._new_id(path)
        row = {name: p.default for name, p in menu.properties.items() if p.default is not None}
        self._rows[path][row_id] = row
        for name, value in values.items():
            if name != ".id":
                row[name] = self._stored(menu, name, value)

    def _stored(self, menu: Menu, name: str, value: str) -> str:
        prop = menu.properties[name]
        if prop.refers is None:
            return prop.normalise(name, value)
        if menu.path == "/ppp/profile":  # an address, or a pool's name
            with contextlib.suppress(ValueError):
                return str(ipaddress.IPv4Address(value))
            with contextlib.suppress(Trap):
                return self._reference(prop.refers, name, value)
            raise Trap((f"invalid value for argument {name}:\r\n    pool {value} is not known", 1))
        return self._reference(prop.refers, name, value)

    def _reference(self, path: str, name: str, value: str) -> str:
        """The id behind a name. RouterOS completes a prefix that only one name has: a misspelling may be accepted."""
        rows = self._rows[path]
        if value in rows:
            return value
        exact = [row_id for row_id, row in rows.items() if row["name"] == value]
        if exact:
            return exact[0]
        begun = [row_id for row_id, row in rows.items() if value and row["name"].startswith(value)]
        if len(begun) > 1:
            raise Trap((f"ambiguous value of {name}, more than one possible value matches input", 1))
        if not begun:
            raise Trap((f"input does not match any value of {name}", 1))
        return begun[0]

    def shown(self, menu: Menu, row_id: str, *, secrets: bool = True) -> dict[str, str]:
        """A row as print gives it: references by name, what is unset absent."""
        out = {".id": row_id}
        for name, value in self._rows[menu.path][row_id].items():
            prop = menu.properties[name]
            if prop.secret and not secrets:
                continue
            if prop.refers is not None and value.startswith("*"):
                target = self._rows[prop.refers].get(value)
                out[name] = target["name"] if target else value  # a removed row prints as its id
            else:
                out[name] = value
        return out

    def _ids(self, menu: Menu, given: str | None) -> list[str]:
        """The rows that `.id` or `numbers` names: ids or names, separated by commas."""
        rows = self._rows[menu.path]
        found = []
        for part in (given or "").split(","):
            row_id = (
                part if part in rows else next((i for i, r in rows.items() if r.get("name") == part and part), None)
            )
            if row_id is None:
                raise no_item()
            found.append(row_id)
        return found

    def _unknown(self, name: str) -> Trap:
        return Trap((f"unknown parameter {name}" if self.is_v7 else "unknown parameter", None))

    def _check_unique(self, menu: Menu, row: Values, row_id: str | None) -> None:
        if not menu.unique:
            return
        key = [row.get(name) for name in menu.unique]
        for other_id, other in self._rows[menu.path].items():
            if other_id != row_id and [other.get(name) for name in menu.unique] == key:
                raise Trap((menu.duplicate, None))

    def _changed(self, menu: Menu, row: Values, given: Values) -> dict[str, str]:
        """`row` with the `given` words applied, every value checked; `!name` clears."""
        out = dict(row)
        for name, value in given.items():
            clears = name.startswith("!")
            prop = menu.properties.get(name.removeprefix("!"))
            if prop is None or prop.read_only or (clears and not prop.unsettable):
                raise self._unknown(name.removeprefix("!"))
            if clears or (name == "comment" and not value):  # an empty comment is none
                out.pop(name.removeprefix("!"), None)
            else:
                out[name] = self._stored(menu, name, value)
        return out

    # Commands

    def print_rows(self, menu: Menu, queries: Sequence[str], *, secrets: bool) -> Iterator[dict[str, str]]:
        """The rows that pass the query words, in the order they were made."""
        with self.lock:
            try:
                candidates = self._candidates(menu, queries)
                rows = [self.shown(menu, row_id, secrets=secrets) for row_id in candidates]
                return iter([row for row in rows if matches(row, queries)])
            except QueryError as error:
                raise Trap((f"invalid query word ?{error}", 5)) from None

    def _candidates(self, menu: Menu, queries: Sequence[str]) -> Iterable[str]:
        """Ids worth rendering: queries of what is stored as it is printed are answered first, for large tables."""
        rows = self._rows[menu.path]
        for word in queries:
            if not word.startswith("?#"):
                prop = menu.properties.get(word[1:].lstrip("-<>=").partition("=")[0])
                if prop is None or prop.refers is not None or prop.secret:
                    return list(rows)
        return [row_id for row_id, row in rows.items() if matches(row, queries)]

    def add(self, menu: Menu, given: Values) -> str:
        """Add a row; its id."""
        with self.lock:
            row = {name: p.default for name, p in menu.properties.items() if p.default is not None}
            row = self._changed(menu, row, given)
            for name in menu.required:
                if not row.get(name):
                    raise Trap((f"value of {name} should not be empty" if name in row else f"missing =={name}=", 1))
            menu.check(row)
            self._check_unique(menu, row, None)
            row_id = self._new_id(menu.path)
            self._rows[menu.path][row_id] = row
            self._save()
            return row_id

    def set(self, menu: Menu, numbers: str | None, given: Values) -> None:
        """Change the rows that `numbers` names, all or none."""
        with self.lock:
            rows = self._rows[menu.path]
            new = {row_id: self._changed(menu, rows[row_id], given) for row_id in self._ids(menu, numbers)}
            for row_id, row in new.items():
                menu.check(row)
                self._check_unique(menu, row, row_id)
            rows.update(new)
            self._save()

    def unset(self, menu: Menu, numbers: str | None, name: str | None) -> None:
        """Clear one optional property."""
        prop = menu.properties.get(name or "")
        if prop is None or not prop.unsettable:
            raise Trap(("input does not match any value of value-name", 1))
        with self.lock:
            for row_id in self._ids(menu, numbers):
                self._rows[menu.path][row_id].pop(name or "", None)
            self._save()

    def remove(self, menu: Menu, numbers: str | None) -> None:
        """Remove the rows; what refers to them then prints their id."""
        with self.lock:
            ids = self._ids(menu, numbers)
            if any(row_id in ("*0", "*FFFFFFFE") for row_id in ids):
                raise Trap(("failure: can not remove default entry", None))
            for row_id in ids:
                row = self._rows[menu.path].pop(row_id, None)
                if row is not None and menu.path in SESSION_USER:
                    self._free_lease(row.get("address"), row.get(SESSION_USER[menu.path]))
            self._save()

    def _free_lease(self, address: str | None, username: str | None) -> None:
        """A session that ends gives its address back to the pool."""
        leases = self._rows["/ip/pool/used"]
        for row_id, lease in list(leases.items()):
            if lease.get("address") == address and lease.get("info") == username:
                del leases[row_id]

    def put(self, path: str, values: Values) -> str:
        """Add a row of a read-only menu (a session, a leased address); its id."""
        with self.lock:
            row_id = self._new_id(path)
            self._rows[path][row_id] = dict(values)
            self._save()
            return row_id

    def rename(self, identity: str) -> None:
        """Set the router's identity."""
        with self.lock:
            self.identity = identity
            self._save()
