"""What a job does on a router: probe, read, ensure, disable, remove. Every write is read back and compared.

The order of every change is: look by exact name → absent, ours (by tag) or foreign → write only what differs → read
back (facts/mikrotik §c, "What must be better" 1 and 2). Nothing here trusts a router's acknowledgement.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Self

from leadtui.router import dialect
from leadtui.router.dialect import MENUS, Row, ServiceMenu
from leadtui.router.port import (
    ActiveSession,
    EnsureResult,
    OnStep,
    Outcome,
    Pool,
    Probe,
    Profile,
    ProfileMissing,
    RouterConflict,
    RouterMenuMissing,
    RouterMismatch,
    RouterRefused,
    RouterUser,
    Secret,
    Service,
    WantedUser,
    owner_tag,
)
from leadtui.router.rows import check_wanted, differences, optional, user_of, words_for, yes_no
from leadtui.router.wire import shown, storable

if TYPE_CHECKING:
    from leadtui.router.mikrotik import Session

_NAMED_PROFILES_MAX = 50


def _nothing(_: str) -> None:
    """The step listener of who does not listen."""


class MikrotikRouter:
    """`RouterPort` for RouterOS 6 and 7 over one `Session`. See the port for what each method promises."""

    def __init__(self, session: Session) -> None:
        self._session = session

    # Reading

    def _print(
        self, menu: str, properties: Sequence[str], queries: Sequence[str] = (), *, doing: str
    ) -> tuple[Row, ...]:
        # `.id` is always asked for: a row without any of the properties would come as a bare `!re`.
        words = {".proplist": ",".join(properties)}
        return self._session.call(f"{menu}/print", words, queries, doing=doing).rows

    def probe(self) -> Probe:
        started = time.monotonic()
        identity = self._session.call("/system/identity/print", doing="tell its name").rows
        latency_ms = (time.monotonic() - started) * 1000
        resource = self._session.call("/system/resource/print", doing="tell its version").rows
        row: Row = resource[0] if resource else {}
        load = row.get("cpu-load", "")
        return Probe(
            identity=shown(identity[0].get("name", "")) if identity else "",
            version=shown(row.get("version", "")),
            board=shown(row.get("board-name", "")),
            latency_ms=round(latency_ms, 1),
            uptime=shown(row.get("uptime", "")),
            cpu_load_percent=int(load) if load.isdecimal() else None,
        )

    def profiles(self, service: Service) -> tuple[Profile, ...]:
        menu = MENUS[service]
        rows = self._print(menu.profiles, menu.profile_properties, doing="list its profiles")
        return tuple(
            Profile(
                name=storable(row.get("name", "")),
                rate_limit=optional(row, "rate-limit"),
                local_address=optional(row, "local-address"),
                remote_address=optional(row, "remote-address") or optional(row, "address-pool"),
                comment=shown(row.get("comment", "")),
            )
            for row in rows
        )

    def pools(self) -> tuple[Pool, ...]:
        rows = self._print("/ip/pool", (".id", "name", "ranges", "next-pool", "comment"), doing="list its pools")
        return tuple(
            Pool(
                name=storable(row.get("name", "")),
                ranges=shown(row.get("ranges", "")),
                total=dialect.pool_size(row.get("ranges", "")),
                used=self._count_used(row.get("name", "")),
                next_pool=optional(row, "next-pool"),
                comment=shown(row.get("comment", "")),
            )
            for row in rows
        )

    def _count_used(self, pool: str) -> int | None:
        try:
            reply = self._session.call(
                "/ip/pool/used/print", {"count-only": ""}, [f"?pool={pool}"], doing="count the used addresses"
            )
        except (RouterRefused, RouterMenuMissing):
            return None  # the pool is still worth showing
        count = reply.done.get("ret", "")
        return int(count) if count.isdecimal() else None

    def users(self, service: Service) -> tuple[RouterUser, ...]:
        menu = MENUS[service]
        rows = self._print(menu.users, [p for p in menu.user_properties if p != "password"], doing="list its users")
        return tuple(user_of(service, row) for row in rows)

    def read_user(self, service: Service, username: str, password: Secret | None = None) -> RouterUser | None:
        rows = self._named(service, username, with_password=password is not None)
        return user_of(service, rows[0], password) if rows else None

    def _named(self, service: Service, username: str, *, with_password: bool = True) -> tuple[Row, ...]:
        menu = MENUS[service]
        properties = [p for p in menu.user_properties if with_password or p != "password"]
        rows = self._print(menu.users, properties, [f"?name={username}"], doing="look the user up")
        # The query is exact by documentation; a row that is not what was asked for must never be written to.
        return tuple(row for row in rows if row.get("name") == username)

    def find_tagged(self, service: Service, tag: str) -> tuple[RouterUser, ...]:
        rows = self._tagged(service, tag)
        if not rows:  # somebody may have written on after the tag: then only reading the comments tells
            menu = MENUS[service]
            properties = [p for p in menu.user_properties if p != "password"]
            commented = self._print(menu.users, properties, ["?>comment="], doing="list its users")
            rows = tuple(row for row in commented if owner_tag(row.get("comment", "")) == tag)
        return tuple(user_of(service, row) for row in rows)

    def _tagged(self, service: Service, tag: str) -> tuple[Row, ...]:
        menu = MENUS[service]
        rows = self._print(menu.users, menu.user_properties, [f"?comment={tag}"], doing="look the user up by its tag")
        return tuple(row for row in rows if row.get("comment") == tag)

    def active(self, service: Service, username: str | None = None) -> tuple[ActiveSession, ...]:
        return tuple(
            ActiveSession(
                username=storable(row.get(MENUS[service].active_name, "")),
                service=shown(row.get("service", service)),
                address=dialect.address_or_none(optional(row, "address")),
                caller_id=optional(row, "caller-id") or optional(row, "mac-address"),
                uptime=shown(row.get("uptime", "")),
            )
            for row in self._active_rows(service, username)
        )

    def _active_rows(self, service: Service, username: str | None) -> tuple[Row, ...]:
        menu = MENUS[service]
        queries = [] if username is None else [f"?{menu.active_name}={username}"]
        rows = self._print(menu.active, menu.active_properties, queries, doing="list the running sessions")
        return tuple(row for row in rows if username is None or row.get(menu.active_name) == username)

    # Writing

    def ensure_user(self, wanted: WantedUser, on_step: OnStep | None = None) -> EnsureResult:
        step = on_step or _nothing
        check_wanted(wanted)
        self._session.unsettled = False
        self._session.hide(wanted.password.reveal())
        step(f"Looking for the profile {wanted.profile}")
        self._require_profile(wanted.service, wanted.profile)
        step(f"Looking for the user {wanted.username}")
        row = self._ours_or_none(wanted.service, wanted.username, wanted.tag)
        before: Row | None = row
        if row is None:
            row = before = self._ours_elsewhere(wanted)
        outcome: Outcome = "unchanged"
        changed: tuple[str, ...] = ()
        if row is None:
            step(f"Adding the user {wanted.username}")
            if self._add(wanted):
                outcome = "created"
            else:  # it appeared meanwhile: perhaps our own earlier add, whose answer was lost (§0.2)
                row = before = self._ours_or_none(wanted.service, wanted.username, wanted.tag)
                if row is None:
                    raise RouterRefused(
                        f"{self._session.label} says that {wanted.username} exists, but does not show it.",
                        field="username",
                        hint="choose another user name",
                    )
        if row is not None:
            changed = self._set_differences(wanted, row, step)
            outcome = "updated" if changed else "unchanged"
        step(f"Reading the user {wanted.username} back")
        user = self._verify(wanted)
        return EnsureResult(outcome, user, user_of(wanted.service, before) if before else None, changed)

    def _require_profile(self, service: Service, profile: str) -> None:
        """`ProfileMissing` unless a profile of exactly this name exists: routers complete prefixes of names."""
        menu = MENUS[service].profiles
        found = self._print(menu, (".id", "name"), [f"?name={profile}"], doing="look the profile up")
        if any(row.get("name") == profile for row in found):
            return
        rows = self._print(menu, (".id", "name"), doing="list its profiles")
        names = tuple(storable(row.get("name", "")) for row in rows)
        raise ProfileMissing(
            f"{self._session.label} has no profile {shown(profile)}.",
            profile=profile,
            available=names[:_NAMED_PROFILES_MAX],
            hint="push the package to the router or choose another package",
        )

    def _ours_or_none(self, service: Service, username: str, tag: str) -> Row | None:
        """Our row of that name, or None when the name is free. `RouterConflict` when it belongs to anyone else."""
        rows = self._named(service, username)
        for row in rows:
            owner = owner_tag(row.get("comment", ""))
            if owner == tag:
                continue
            user = user_of(service, row)
            whose = f"belongs to {shown(owner).split(':', 1)[1]}" if owner else "was not made by this program"
            raise RouterConflict(
                f"A user {username} exists on {self._session.label} and {whose}; it was left as it is.",
                row=user,
                hint="choose another user name",
            )
        return rows[0] if rows else None

    def _ours_elsewhere(self, wanted: WantedUser) -> Row | None:
        """This lead's user under another name (an earlier attempt): it is renamed rather than made twice (AJ18)."""
        rows = self._tagged(wanted.service, wanted.tag)
        if len(rows) > 1:
            names = ", ".join(shown(row.get("name", "")) for row in rows)
            raise RouterConflict(
                f"{self._session.label} holds more than one user of this lead: {names}.",
                row=user_of(wanted.service, rows[0]),
                hint="remove the ones that are not in use",
            )
        return rows[0] if rows else None

    def _add(self, wanted: WantedUser) -> bool:
        """Add the user; False when the router says that the name is taken."""
        words = {**words_for(wanted), "comment": wanted.tag}
        try:
            self._session.call(f"{MENUS[wanted.service].users}/add", words, doing="add the user", write=True)
        except RouterRefused as refusal:
            if dialect.trap_kind(refusal.router_said or "") == "duplicate":
                return False
            raise
        return True

    def _set_differences(self, wanted: WantedUser, row: Row, step: OnStep) -> tuple[str, ...]:
        menu = MENUS[wanted.service]
        # A password that the account may not see cannot be compared, so it is set again.
        words = words_for(wanted)
        changes = {d.field: words[d.field] for d in differences(wanted, row) if d.field in words}
        if "password" not in row:
            changes["password"] = wanted.password.reveal()
        clears = wanted.ip is None and dialect.address_or_none(row.get(menu.address)) is not None
        names = (*changes, *([menu.address] if clears else []))
        if not names:
            return ()
        step(f"Changing {', '.join(names)} of the user {wanted.username}")
        if changes:
            self._set(menu, {".id": row[".id"], **changes}, doing="change the user")
        if clears:
            self._clear(menu, row[".id"], menu.address)
        return names

    def _set(self, menu: ServiceMenu, words: Mapping[str, str], *, doing: str) -> None:
        self._session.call(f"{menu.users}/set", words, doing=doing, write=True)

    def _clear(self, menu: ServiceMenu, row_id: str, name: str) -> None:
        """Unset an optional property: an empty value would be refused (§0.6)."""
        try:
            words = {".id": row_id, "value-name": name}
            self._session.call(f"{menu.users}/unset", words, doing="clear the address", write=True)
        except RouterMenuMissing:
            self._set(menu, {".id": row_id, f"!{name}": ""}, doing="clear the address")

    def _verify(self, wanted: WantedUser) -> RouterUser:
        """Read back and compare; `RouterMismatch` names what differs."""
        rows = [
            row
            for row in self._named(wanted.service, wanted.username)
            if owner_tag(row.get("comment", "")) == wanted.tag
        ]
        if not rows:
            raise RouterMismatch(
                f"{self._session.label} accepted the user {wanted.username}, but does not hold it.", user=None
            )
        user = user_of(wanted.service, rows[0], wanted.password)
        if found := differences(wanted, rows[0]):
            names = ", ".join(d.field for d in found)
            raise RouterMismatch(
                f"{self._session.label} holds the user {wanted.username} with another {names} than it was given.",
                user=user,
                differences=found,
            )
        self._session.unsettled = False
        return user

    def set_disabled(self, service: Service, username: str, tag: str, disabled: bool) -> RouterUser:
        self._session.unsettled = False
        row = self._ours_or_none(service, username, tag)
        doing = "disable the user" if disabled else "enable the user"
        if row is None:
            raise RouterRefused(f"{self._session.label} has no user {username}.", field="username")
        if dialect.is_true(row.get("disabled")) != disabled:
            self._set(MENUS[service], {".id": row[".id"], "disabled": yes_no(disabled)}, doing=doing)
            row = self._ours_or_none(service, username, tag)
        if row is None or dialect.is_true(row.get("disabled")) != disabled:
            raise RouterMismatch(
                f"{self._session.label} accepted to {doing} {username}, but did not do it.",
                user=user_of(service, row) if row else None,
            )
        self._session.unsettled = False
        return user_of(service, row)

    def remove_user(self, service: Service, username: str, tag: str) -> bool:
        self._session.unsettled = False
        row = self._ours_or_none(service, username, tag)
        if row is None:
            return False
        try:
            self._session.call(
                f"{MENUS[service].users}/remove", {".id": row[".id"]}, doing="remove the user", write=True
            )
        except RouterRefused as refusal:
            if dialect.trap_kind(refusal.router_said or "") != "no_item":
                raise  # already gone is what was wanted; the re-read decides
        left = self._ours_or_none(service, username, tag)
        if left is not None:
            raise RouterMismatch(
                f"{self._session.label} accepted to remove {username}, but still holds it.", user=user_of(service, left)
            )
        self._session.unsettled = False
        return True

    def disconnect(self, service: Service, username: str) -> int:
        self._session.unsettled = False
        ended = 0
        for row in self._active_rows(service, username):
            try:
                self._session.call(
                    f"{MENUS[service].active}/remove", {".id": row[".id"]}, doing="end the session", write=True
                )
                ended += 1
            except RouterRefused as refusal:
                if dialect.trap_kind(refusal.router_said or "") != "no_item":
                    raise  # one session of a hotspot user may take the others along
        self._session.unsettled = False
        return ended

    # The connection

    def cancel(self) -> None:
        self._session.cancel_token.cancel()

    def close(self) -> None:
        self._session.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
