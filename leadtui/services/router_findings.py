"""What an audit finds on a router: missing, orphaned, drifted; judged from both sides as they were read. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal

from leadtui.domain.addresses import show_rate
from leadtui.router.port import (
    SERVICES,
    Comparison,
    Difference,
    Drift,
    Queue,
    RouterUser,
    Service,
    WantedQueue,
    is_marked,
    is_of_office,
    number_of,
)

from .router_standing import Held, LeadSeen, RouterSide, StoreSide

FindingKind = Literal["missing", "orphaned", "drifted"]
KINDS: tuple[FindingKind, ...] = ("missing", "orphaned", "drifted")

QUEUE = "queue"
"""The word for a simple queue: in the place of a service when it belongs to nobody here, as a field otherwise."""

_NO_QUEUE = ""
_HIDDEN_MARK = "leadtui:…"


@dataclass(frozen=True, slots=True)
class Finding:
    """One user (or a queue of nobody) that is not as the store says.

    `lead_number` is None where the reader may not see the lead or there is none. `differences` are in our words; a
    password reads •••. `is_ours` False: the name is somebody else's; of an orphan: a user of the store has its name.
    `is_queue_ours` False: the name of its queue is somebody else's.
    `has_password` False: the stored password is lost. `mark` is what the comment names, for mending only.
    """

    kind: FindingKind
    service: str
    username: str
    profile: str | None = None
    ip: str | None = None
    lead_number: str | None = None
    customer_id: int | None = None
    differences: tuple[Difference, ...] = ()
    is_ours: bool = True
    is_queue_ours: bool = True
    has_password: bool = True
    lead_id: int | None = field(default=None, repr=False)
    mark: str = field(default="", repr=False)

    @property
    def words(self) -> str:
        """What is not as it should be, as the end of a line."""
        if self.kind == "missing":
            return "not on the router"
        if self.kind == "orphaned":
            return "unknown to the store"
        if not self.is_ours:
            return "the name is taken by a user that is not marked as ours"
        return "; ".join(
            "another password"
            if d.field == "password"
            else f"{d.field} {d.actual or 'none'}, should be {d.wanted or 'none'}"
            for d in self.differences
        )

    def as_json(self) -> dict[str, Any]:
        """The object of the contract, of what is missing or orphaned."""
        return {
            "username": self.username, "service": self.service, "profile": self.profile, "ip": self.ip,
            "lead_number": self.lead_number, "customer_id": self.customer_id,
        }  # fmt: skip

    def drift_json(self) -> list[dict[str, str]]:
        """The objects of the contract, of what drifted: one a field."""
        return [
            {"username": self.username, "field": d.field, "expected": d.wanted, "actual": d.actual}
            for d in self.differences
        ]


@dataclass(frozen=True, slots=True)
class AuditReport:
    """What an audit found on one router. With `error` it could not be asked, and nothing was judged.

    `in_work` users were left out, because somebody was at work on their leads. `passwords_unseen` users were compared
    without their passwords, because the router's login may not see them.
    """

    router: str
    checked_at: datetime
    matched: int = 0
    findings: tuple[Finding, ...] = ()
    foreign_count: int = 0
    in_work: int = 0
    passwords_unseen: int = 0
    error: str | None = None
    hint: str | None = None

    @property
    def missing(self) -> tuple[Finding, ...]:
        """Users of the store that are not on the router."""
        return tuple(finding for finding in self.findings if finding.kind == "missing")

    @property
    def orphaned(self) -> tuple[Finding, ...]:
        """What carries our mark on the router and is unknown to the store."""
        return tuple(finding for finding in self.findings if finding.kind == "orphaned")

    @property
    def drifted(self) -> tuple[Finding, ...]:
        """Users that stand there otherwise than the store says."""
        return tuple(finding for finding in self.findings if finding.kind == "drifted")

    @property
    def unseen_words(self) -> str | None:
        """What could not be compared, as a sentence; None when everything was."""
        if not self.passwords_unseen:
            return None
        users = "1 user" if self.passwords_unseen == 1 else f"{self.passwords_unseen:,} users"
        return f"the passwords of {users} could not be compared: the login of {self.router} lacks the policy sensitive"

    @property
    def is_clean(self) -> bool:
        """Whether router and store agree."""
        return self.error is None and not self.findings

    def as_json(self) -> dict[str, Any]:
        """The object of the contract; `drifted` has one entry a field."""
        return {
            "router": self.router, "matched": self.matched,
            "missing": [finding.as_json() for finding in self.missing],
            "orphaned": [finding.as_json() for finding in self.orphaned],
            "drifted": [entry for finding in self.drifted for entry in finding.drift_json()],
            "foreign_count": self.foreign_count, "passwords_unseen": self.passwords_unseen, "error": self.error,
            "checked_at": self.checked_at,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Judged:
    """What both sides come to. `in_work` users were left out: somebody was at work on their leads."""

    matched: int
    findings: tuple[Finding, ...]
    foreign: int
    in_work: int
    passwords_unseen: int = 0


def numbers_to_know(seen: RouterSide, office_id: str) -> set[str]:
    """The numbers in the marks of what is not as it should be: whose leads to look up before judging."""
    marks = [user.tag for compared in seen.compared.values() for user in compared.orphaned]
    marks += [drift.row.tag for compared in seen.compared.values() for drift in compared.drifted]
    marks += [queue.tag for queue in seen.queues if is_of_office(queue.tag, office_id)]
    return {number for mark in marks if (number := number_of(mark))}


def judge(side: StoreSide, seen: RouterSide, leads: Mapping[str, LeadSeen], busy: Collection[str]) -> Judged:
    """Everything that is not as it should be, and how much is. `leads` by number; `busy` numbers are left out."""
    matched = foreign = 0
    found: list[Finding] = []
    for service, compared in seen.compared.items():
        matched += compared.matched
        foreign += compared.foreign if service in side.services or compared.orphaned else 0
        missing, drifted = _of_store(side, service, compared, leads)
        matched += len(compared.drifted) - len(drifted)
        strange = {finding.username for finding in drifted if not finding.is_ours}
        # A row that has the name of a user of ours and the mark of another lead is told once, as that user's drift.
        orphaned = [_orphan(user, service, leads) for user in compared.orphaned if user.username not in strange]
        twins = [replace(f, is_ours=False) if (service, f.username) in side.users else f for f in orphaned]
        found += [*missing, *twins, *drifted]
    by_user, strays = _queues(side, seen.queues)
    changed: list[Finding] = []
    for finding in found:
        told = by_user.pop((finding.service, finding.username), None) if finding.kind != "orphaned" else None
        changed.append(_with_queue(finding, told) if told is not None else finding)
    for key, (difference, is_ours) in by_user.items():  # the user is right, its queue is not
        matched -= 1
        row = _found_of("drifted", side.users[key], (difference,))
        changed.append(replace(row, is_queue_ours=is_ours))
    changed += [_orphan_queue(queue, leads) for queue in strays]
    kept = [finding for finding in changed if number_of(finding.mark) not in busy]
    kept.sort(key=lambda f: (KINDS.index(f.kind), f.username, f.service))
    unseen = sum(compared.passwords_unseen for compared in seen.compared.values())
    return Judged(matched, tuple(kept), foreign, len(changed) - len(kept), unseen)


# -- users -------------------------------------------------------------------------------------------------------------
def _found_of(kind: FindingKind, held: Held, differences: tuple[Difference, ...] = ()) -> Finding:
    row = held.row
    return Finding(
        kind, row.service, row.username, row.profile, row.ip, held.number, held.customer_id, differences,
        has_password=held.secret is not None, lead_id=row.lead_id, mark=row.tag,
    )  # fmt: skip


def _of_store(
    side: StoreSide, service: Service, compared: Comparison, leads: Mapping[str, LeadSeen]
) -> tuple[list[Finding], list[Finding]]:
    missing = [_found_of("missing", side.users[service, wanted.username]) for wanted in compared.missing]
    drifted = []
    for drift in compared.drifted:
        held = side.users[service, drift.username]
        if differences := _worth_telling(drift, held, leads):
            drifted.append(replace(_found_of("drifted", held, differences), is_ours=drift.is_ours))
    return missing, drifted


def _worth_telling(drift: Drift, held: Held, leads: Mapping[str, LeadSeen]) -> tuple[Difference, ...]:
    """Without a password that could not be compared, and of somebody else's user only that it is not marked as ours."""
    kept = [
        d
        for d in drift.differences
        if (drift.is_ours or d.field == "comment") and (d.field != "password" or held.secret is not None)
    ]
    return tuple(_masked(d, held, leads) if d.field == "comment" else d for d in kept)


def _masked(comment: Difference, held: Held, leads: Mapping[str, LeadSeen]) -> Difference:
    """Marks name leads: those that the reader may not see are not shown."""
    there = leads.get(number_of(comment.actual))
    return Difference(
        comment.field,
        _HIDDEN_MARK if held.number is None and held.row.lead_id is not None else comment.wanted,
        _HIDDEN_MARK if there is not None and there.number is None else comment.actual,
    )


def _orphan(user: RouterUser, service: str, leads: Mapping[str, LeadSeen]) -> Finding:
    lead = leads.get(number_of(user.tag))
    return Finding(
        "orphaned", service, user.username, user.profile, user.ip, **_lead_words(lead), mark=user.tag or "",
    )  # fmt: skip


def _lead_words(lead: LeadSeen | None) -> dict[str, Any]:
    if lead is None:
        return {}
    return {"lead_id": lead.lead_id, "lead_number": lead.number, "customer_id": lead.customer_id}


# -- queues ------------------------------------------------------------------------------------------------------------
def _queues(
    side: StoreSide, queues: Sequence[Queue]
) -> tuple[dict[tuple[str, str], tuple[Difference, bool]], list[Queue]]:
    """The differences of the queues by user, with whether the queue's name is free or ours; and queues of nobody."""
    marked: dict[str, list[Queue]] = defaultdict(list)
    names = {queue.name: queue for queue in queues}
    for queue in queues:
        if is_of_office(queue.tag, side.office_id):
            marked[number_of(queue.tag)].append(queue)
    told: dict[tuple[str, str], tuple[Difference, bool]] = {}
    for key, held in side.users.items():
        wanted = held.queue
        of_lead = marked.get(number_of(held.row.tag), [])
        mine = [queue for queue in of_lead if not _is_of_another(queue, held, side)]
        of_lead[:] = [queue for queue in of_lead if queue not in mine]
        if wanted is None and not mine:
            continue
        there = names.get(wanted.name) if wanted is not None else None
        is_ours = there is None or is_marked(there.comment, held.row.tag)
        expected = _queue_words(wanted)
        stands = [_as_it_stands(queue, wanted) for queue in mine]
        actual = ", ".join(stands if is_ours else [*stands, "a queue of that name that is not ours"]) or _NO_QUEUE
        if expected != actual:
            told[key] = (Difference(QUEUE, expected, actual), is_ours)
    return told, [queue for some in marked.values() for queue in some]


def _is_of_another(queue: Queue, held: Held, side: StoreSide) -> bool:
    """Whether a queue with the mark of this user's lead belongs to another user of the same lead, by its name."""
    return queue.name != held.row.username and any(
        other.queue is not None and other.queue.name == queue.name and other.row.tag == held.row.tag
        for other in (side.users.get((service, queue.name)) for service in SERVICES)
        if other is not None and other is not held
    )


def _queue_words(wanted: WantedQueue | None) -> str:
    if wanted is None:
        return _NO_QUEUE
    return f"{wanted.address} {_rates(wanted.upload_bps, wanted.download_bps)}"


def _as_it_stands(queue: Queue, wanted: WantedQueue | None) -> str:
    """A queue of the router in the same words; what makes it another one stands in them."""
    words = f"{queue.target.removesuffix('/32')} {_rates(queue.upload_bps, queue.download_bps)}"
    if queue.disabled:
        words += " disabled"
    if wanted is not None and queue.name != wanted.name:
        words += f" named {queue.name}"
    if wanted is not None and queue.tag != wanted.tag:
        words += " with an old mark"
    return words


def _rates(upload_bps: int | None, download_bps: int | None) -> str:
    """Upload first, as the router writes it; `–` for no limit that way."""
    return "/".join("–" if bps is None else show_rate(bps) for bps in (upload_bps, download_bps))


def _orphan_queue(queue: Queue, leads: Mapping[str, LeadSeen]) -> Finding:
    lead = leads.get(number_of(queue.tag))
    target = queue.target.removesuffix("/32")
    return Finding("orphaned", QUEUE, queue.name, None, target, **_lead_words(lead), mark=queue.tag or "")


def _with_queue(finding: Finding, told: tuple[Difference, bool]) -> Finding:
    """A user that is missing gets its queue with it; of one that drifted the queue is one more difference."""
    difference, is_ours = told
    if finding.kind == "missing":
        return replace(finding, is_queue_ours=is_ours)
    if not finding.is_ours:
        return finding
    return replace(finding, differences=(*finding.differences, difference), is_queue_ours=is_ours)
