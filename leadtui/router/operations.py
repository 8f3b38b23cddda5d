"""The port for RouterOS: one class, whose work is done in users, profiles, queues, comparing and reading."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Self

from leadtui.router import comparing, profiles, queues, reading, users
from leadtui.router.port import (
    ActiveSession,
    Comparison,
    EnsureProfileResult,
    EnsureResult,
    Load,
    OnStep,
    Pool,
    Probe,
    Profile,
    ProfileUse,
    Queue,
    RouterUser,
    Secret,
    Service,
    WantedProfile,
    WantedQueue,
    WantedUser,
)

if TYPE_CHECKING:
    from leadtui.router.mikrotik import Session


class MikrotikRouter:
    """`RouterPort` for RouterOS 6 and 7 over one `Session`. See the port for what each method promises."""

    def __init__(self, session: Session) -> None:
        self._session = session

    # The router itself

    def probe(self) -> Probe:
        return reading.probe(self._session)

    def capacity(self) -> Load:
        return reading.capacity(self._session)

    def pools(self) -> tuple[Pool, ...]:
        return reading.pools(self._session)

    def used_addresses(self, pool: str | None = None) -> Mapping[str, str]:
        return reading.used_addresses(self._session, pool)

    # Profiles

    def profiles(self, service: Service) -> tuple[Profile, ...]:
        return profiles.list_profiles(self._session, service)

    def find_profile(self, wanted: WantedProfile) -> tuple[Profile | None, bool]:
        return profiles.find_profile(self._session, wanted)

    def profile_use(self, service: Service, name: str, office_id: str = "") -> ProfileUse:
        return profiles.profile_use(self._session, service, name, office_id)

    def ensure_profile(self, wanted: WantedProfile, on_step: OnStep | None = None) -> EnsureProfileResult:
        return profiles.ensure_profile(self._session, wanted, on_step)

    # Simple queues

    def queues(self) -> tuple[Queue, ...]:
        return queues.list_queues(self._session)

    def find_queues(self, tag: str) -> tuple[Queue, ...]:
        return queues.find_queues(self._session, tag)

    def ensure_queue(self, wanted: WantedQueue, on_step: OnStep | None = None) -> Queue:
        return queues.ensure_queue(self._session, wanted, on_step)

    def remove_queue(self, name: str, tag: str) -> bool:
        return queues.remove_queue(self._session, name, tag)

    # Users

    def users(self, service: Service) -> tuple[RouterUser, ...]:
        return users.list_users(self._session, service)

    def compare(self, service: Service, wanted: Sequence[WantedUser], office_id: str) -> Comparison:
        return comparing.compare(self._session, service, wanted, office_id)

    def read_user(self, service: Service, username: str, password: Secret | None = None) -> RouterUser | None:
        return users.read_user(self._session, service, username, password)

    def find_tagged(self, service: Service, tag: str) -> tuple[RouterUser, ...]:
        return users.find_tagged(self._session, service, tag)

    def ensure_user(
        self, wanted: WantedUser, on_step: OnStep | None = None, *, reclaim: bool = False, known_as: str | None = None
    ) -> EnsureResult:
        return users.ensure_user(self._session, wanted, on_step, reclaim=reclaim, known_as=known_as)

    def set_disabled(self, service: Service, username: str, tag: str, disabled: bool) -> RouterUser:
        return users.set_disabled(self._session, service, username, tag, disabled)

    def remove_user(self, service: Service, username: str, tag: str) -> bool:
        return users.remove_user(self._session, service, username, tag)

    def active(self, service: Service, username: str | None = None) -> tuple[ActiveSession, ...]:
        return users.active(self._session, service, username)

    def disconnect(self, service: Service, username: str) -> int:
        return users.disconnect(self._session, service, username)

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
