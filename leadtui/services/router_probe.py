"""Asking routers who they are: one, or all of them side by side; and which certificate is trusted.

No transaction is open while a router is talked to. Who a router says it is was once stored with its record; another
name is reported and never taken over, unless a person with the right to configure the office accepts it.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select, update

from leadtui.errors import EditedElsewhere, Invalid, LeadtuiError, RouterError
from leadtui.router import read_fingerprint
from leadtui.router.port import CancelToken, Probe, RouterAddress, RouterTlsError
from leadtui.store import schema as t
from leadtui.store.unit_of_work import ReadTx, WriteTx

from .router_records import address, connect, find, may_change, may_look, records
from .router_values import usual_port
from .side_by_side import side_by_side

if TYPE_CHECKING:
    from .office import Office

TEST_DEADLINE_S = 8.0
"""How long one router may take to say who it is, in seconds; every router has its own."""
_FINGERPRINT_DEADLINE_S = 5.0
_ALL_WITHIN_S = TEST_DEADLINE_S + _FINGERPRINT_DEADLINE_S + 2.0
"""A thread that should long have ended by its own deadline is left behind."""
_OLDEST = "6.40"
"""RouterOS before this is older than anything the adapter was made for (facts/mikrotik §b, v6 against v7)."""

OnAnswer = Callable[[str, "RouterAnswer"], object]


@dataclass(frozen=True, slots=True)
class RouterAnswer:
    """What a router said when asked who it is; `error` says why it did not. `hint` and `fingerprint` help further.

    `known_as` is what it called itself before, when that was another name that nobody has accepted yet.
    `warnings` are sentences about an answer that came.
    """

    ok: bool
    identity: str | None = None
    version: str | None = None
    board: str | None = None
    latency_ms: float | None = None
    error: str | None = None
    hint: str | None = None
    fingerprint: str | None = None
    known_as: str | None = None
    warnings: tuple[str, ...] = ()

    @classmethod
    def of(cls, probe: Probe) -> RouterAnswer:
        """An answer that came, in the lengths that the record holds."""
        return cls(True, probe.identity[:255], probe.version[:60], probe.board[:60], probe.latency_ms)

    @property
    def warning(self) -> str | None:
        """All warnings in a line."""
        return "; ".join(self.warnings) or None

    def as_json(self) -> dict[str, Any]:
        """The object of the contract."""
        shown = ("ok", "identity", "version", "board", "latency_ms", "error")
        return {key: value for key, value in asdict(self).items() if key in shown}


# -- one router --------------------------------------------------------------------------------------------------------
def test(office: Office, name: str, *, accept: bool = False, cancel: CancelToken | None = None) -> RouterAnswer:  # noqa: PT028
    """Ask a router who it is, with a deadline, and remember the answer. A router that fails is an answer, no error.

    With `accept` another identity than the stored one is taken over; NotPermitted when the actor may not do that.
    """
    with office.read() as tx:
        may_look(tx)
        if accept:
            may_change(tx)
        row = find(tx, name)
        where = address(tx, office, row)
    result = _ask(row, where, cancel or CancelToken())
    if result.ok or cancel is None or not cancel.cancelled:
        _remember(office, row, result)
    return accept_identity(office, name, result) if accept and result.known_as is not None else result


def accept_identity(office: Office, name: str, answer: RouterAnswer) -> RouterAnswer:
    """Take over who a router says it is, as a person has seen it in `answer`. Raises NotPermitted, NotFound."""
    with office.write() as tx:
        may_change(tx)
        row = find(tx, name)
        tx.open_batch("router", f"accept router {row.name}")
        after = {"identity": answer.identity, "version": answer.version, "board": answer.board}
        tx.audit("accept", "router", row.id, {key: getattr(row, key) for key in after}, after)
        tx.conn.execute(update(t.router).where(t.router.c.id == row.id).values(identity=answer.identity))
        remember_answer(tx, row.id, answer)
    return replace(answer, known_as=None, warnings=_old_version(row.name, answer.version or ""))


def remember_answer(tx: WriteTx, router_id: int, result: RouterAnswer) -> None:
    """Keep what a router said of itself, or why it did not answer, with its record.

    An answer under another identity than the stored one changes nothing but `last_error`: it may be another box.
    """
    known = tx.conn.execute(select(t.router.c.identity).where(t.router.c.id == router_id)).scalar()
    values: dict[str, Any] = {"last_error": result.error}
    if result.ok and known and known != result.identity:
        values = {"last_error": f"{_renamed(result.identity, known)}; not accepted yet"}
    elif result.ok:
        values |= {"identity": result.identity, "version": result.version, "board": result.board, "last_ok_at": tx.now}
    tx.conn.execute(update(t.router).where(t.router.c.id == router_id).values(**values))


def _ask(row: Any, where: RouterAddress, cancel: CancelToken) -> RouterAnswer:
    """Talk to a router and judge what it says. Raises nothing that a router can cause."""
    try:
        with connect(where, deadline_s=TEST_DEADLINE_S, cancel=cancel) as port:
            probe = port.probe()
    except RouterTlsError as fault:
        shown = fault.fingerprint or _shown_certificate(where, cancel)
        return RouterAnswer(
            False, error=fault.message, hint=_pin_hint(row.name, shown) or fault.hint, fingerprint=shown
        )
    except RouterError as fault:
        return RouterAnswer(False, error=fault.message, hint=fault.hint)
    return _judged(row, probe)


def _judged(row: Any, probe: Probe) -> RouterAnswer:
    """The answer, with what is odd about it."""
    answer = RouterAnswer.of(probe)
    warnings: list[str] = []
    known = row.identity if row.identity and row.identity != answer.identity else None
    if known is not None:
        warnings.append(
            f"{row.name} {_renamed(answer.identity, known)}; nothing is written to it until that is accepted"
        )
    elif row.version and answer.version and row.version != answer.version:
        warnings.append(f"{row.name} runs RouterOS {answer.version} now, and {row.version} before")
    return replace(answer, known_as=known, warnings=(*warnings, *_old_version(row.name, answer.version or "")))


def _renamed(identity: str | None, known: str) -> str:
    return f"calls itself {identity or 'nothing'} now, and {known} before"


def _old_version(name: str, text: str) -> tuple[str, ...]:
    from leadtui.router.dialect import Version

    version = Version.parse(text)
    if version == Version(0):
        return (f"{name} names a version that cannot be read ('{text}'); what it understands is not known",)
    if version < Version.parse(_OLDEST):
        return (f"{name} runs RouterOS {text}; before {_OLDEST} nothing was tried",)
    return ()


def _remember(office: Office, row: Any, result: RouterAnswer) -> None:
    with office.write() as tx:
        remember_answer(tx, row.id, result)
        told = {key: value for key, value in result.as_json().items() if key != "latency_ms"}
        before = {key: getattr(row, key) for key in ("identity", "version") if getattr(row, key) != told[key]}
        tx.audit("test", "router", row.id, before if result.ok else None, told)


# -- all routers -------------------------------------------------------------------------------------------------------
def probe_all(
    office: Office,
    on_answer: OnAnswer,
    *,
    names: Sequence[str] | None = None,
    cancel: CancelToken | None = None,
) -> dict[str, RouterAnswer]:
    """Ask routers who they are, side by side: a thread and a deadline for each, so that none delays another.

    Without `names` those in use. Each answer is remembered and then handed to `on_answer(name, answer)`, in this
    thread, as it comes. After `cancel` what has not answered is neither in the result nor remembered. Raises
    NotPermitted, NotFound, and what the store raises.
    """
    token = cancel or CancelToken()
    with office.read() as tx:
        may_look(tx)
        rows = _chosen(tx, names)
        wheres = {row.id: _where(tx, office, row) for row in rows}

    def ask(row: Any) -> RouterAnswer:
        if isinstance(where := wheres[row.id], LeadtuiError):
            raise where
        return _ask(row, where, token)

    answers: dict[str, RouterAnswer] = {}
    try:
        for row, came in side_by_side(rows, ask, cancel=token, within_s=_ALL_WITHIN_S, name="ask"):
            if isinstance(came, RouterAnswer):
                if token.cancelled and not came.ok:
                    continue
                _remember(office, row, came)
                answer = came
            elif isinstance(came, LeadtuiError):  # it could not even be asked: nothing is known of the router
                answer = RouterAnswer(False, error=came.message, hint=came.hint)
            elif isinstance(came, TimeoutError):
                answer = RouterAnswer(False, error=f"{row.name} did not answer within {TEST_DEADLINE_S:.0f} s.")
                _remember(office, row, answer)
            else:
                raise came
            answers[row.name] = answer
            on_answer(row.name, answer)
    except BaseException:
        token.cancel()
        raise
    return answers


def _chosen(tx: ReadTx, names: Sequence[str] | None) -> list[Any]:
    """The rows of `names`, each once; without names those in use, by name."""
    if names is not None:
        return list({row.id: row for row in (find(tx, name) for name in names)}.values())
    query = select(t.router).where(t.router.c.is_active.is_(True)).order_by(func.lower(t.router.c.name))
    return list(tx.conn.execute(query))


def _where(tx: ReadTx, office: Office, row: Any) -> RouterAddress | LeadtuiError:
    try:
        return address(tx, office, row)
    except LeadtuiError as error:  # a password that cannot be opened stops one router, not all
        return error


# -- certificates ------------------------------------------------------------------------------------------------------
def fingerprint(office: Office, name: str, *, cancel: CancelToken | None = None) -> str:
    """The SHA-256 of the certificate that a router presents now; nothing is trusted by that. Raises a RouterFault.

    A router without TLS is asked at the usual port of its service with TLS.
    """
    with office.read() as tx:
        may_look(tx)
        row = find(tx, name)
    return read_fingerprint(row.host, _tls_port(row), deadline_s=_FINGERPRINT_DEADLINE_S, cancel=cancel)


def trust(office: Office, name: str, wanted: str, *, cancel: CancelToken | None = None) -> dict[str, Any]:
    """Pin the certificate of this fingerprint: from then on no other is accepted. Answers the router's record.

    The router must present it now, as a person has compared it. Raises Invalid (`fingerprint`), RouterTlsError when
    another one is presented, NotPermitted, EditedElsewhere when the router was moved meanwhile.
    """
    from leadtui.router.tls import check_fingerprint

    try:
        pin = check_fingerprint(wanted)
    except Invalid as error:
        error.field = "fingerprint"
        raise
    with office.read() as tx:
        may_change(tx)
        row = find(tx, name)
    shown = read_fingerprint(row.host, _tls_port(row), deadline_s=_FINGERPRINT_DEADLINE_S, cancel=cancel)
    if shown != pin:
        raise RouterTlsError(
            f"{row.name} shows another certificate than that; nothing was changed", fingerprint=shown,
            hint=f"it shows {shown}",
        )  # fmt: skip
    columns = {"tls": "pin", "tls_pin": pin, "port": _tls_port(row)}
    with office.write() as tx:
        now = find(tx, name)
        if (now.id, now.host, now.port) != (row.id, row.host, row.port):
            raise EditedElsewhere(f"{row.name} was given another address meanwhile", hint="look at it again")
        changed = {key: value for key, value in columns.items() if getattr(now, key) != value}
        if changed:
            tx.open_batch("router", f"trust router {now.name}")
            # Why it could not be reached the old way says nothing any more.
            tx.conn.execute(update(t.router).where(t.router.c.id == now.id).values(**changed, last_error=None))
            tx.audit("trust", "router", now.id, {key: getattr(now, key) for key in changed}, changed)
        return records(tx, [find(tx, now.name)])[0]


def _tls_port(row: Any) -> int:
    is_usual = row.tls == "plain" and row.port == usual_port("plain")
    return usual_port("pin") if is_usual else int(row.port)


def _shown_certificate(where: RouterAddress, cancel: CancelToken) -> str | None:
    """The fingerprint of a certificate that no authority vouches for, so that a person can compare and pin it."""
    if where.tls == "anonymous":
        return None
    try:
        return read_fingerprint(where.host, where.port, deadline_s=_FINGERPRINT_DEADLINE_S, cancel=cancel)
    except RouterError:
        return None


def _pin_hint(name: str, shown: str | None) -> str | None:
    if shown is None:
        return None
    return (
        "compare the certificate it shows with the one on the router itself (/certificate print detail); if they are "
        f"the same: leadtui router trust {shlex.quote(name)} --fingerprint {shown}"
    )
