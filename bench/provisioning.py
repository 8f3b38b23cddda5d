"""Leads converted in bulk against a training router that fails at random, then settled, then audited.

`python -m bench.provisioning DATABASE LEADS` prints what came of it as JSON; `bench` runs it with 1,000 leads. Each
command that reaches the router fails with a chance of 5 %, in any of the ways it knows. A hanging router is waited for
`DEADLINE_S` here instead of the ten seconds of daily life.
"""

from __future__ import annotations

import collections
import json
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, get_args

from bench.table import Table

if TYPE_CHECKING:
    from leadtui.router.simulator import Simulator
    from leadtui.services.office import Office

ROUTER = "BENCH-RTR"
RATE = 0.05
DEADLINE_S = 0.4
SERVED_LATE_S = 0.6


@dataclass(frozen=True)
class Targets:
    """The leads to convert."""

    ids: Sequence[int]
    where: str | None = None


def at_random(simulator: Simulator, rate: float) -> None:
    """Every command fails with this chance, in each way the training router knows equally often."""
    from leadtui.router.simulator import FaultRule
    from leadtui.router.simulator.faults import FaultAction

    actions = get_args(FaultAction)
    for action in actions:
        delay = SERVED_LATE_S if action == "late" else 0.0005
        simulator.faults.add(FaultRule("/", action, count=-1, delay_s=delay, chance=rate / len(actions)))


def converted_and_settled(
    office: Office, simulator: Simulator, count: int, *, package: str = "20 Mbps Home", deadline_s: float | None = None
) -> dict[str, Any]:
    """Make the leads, convert them while the router fails, settle when it does not any more, audit.

    `deadline_s`, where given, stays in force in this process: how long a router that hangs is waited for.
    """
    from leadtui.services import agreement, leads, router_audit, routers, saga
    from leadtui.services.conversion import ConvertRequest, RouterRequest, convert_many, pending, resolve

    if deadline_s is not None:
        saga.ROUTER_DEADLINE_S = agreement.LOOK_DEADLINE_S = deadline_s
    address = {"host": simulator.host, "port": str(simulator.port), "username": "admin", "password": "admin"}
    routers.add(office, {"name": ROUTER} | address)
    values = {"package": package, "source": "Website", "status": "Interested"}
    made = [
        leads.create(office, {**values, "name": f"Customer {n}", "phone": f"+25412{n:07d}"}).lead.id
        for n in range(count)
    ]
    foreign = [row for row in simulator.secrets() if not row.get("comment", "").startswith("leadtui:")]
    at_random(simulator, RATE)
    begun, cpu = time.perf_counter(), time.process_time()
    done = convert_many(office, Targets(made), ConvertRequest(router=RouterRequest(ROUTER)))
    seconds, cpu_s = time.perf_counter() - begun, time.process_time() - cpu
    struck = len(simulator.faults.fired)
    simulator.faults.clear()
    while simulator.sessions:  # answers that come late still change the router
        time.sleep(0.01)
    open_jobs = sum(job.state != "failed" for job in pending(office))
    settled = collections.Counter(one.outcome for one in resolve(office))
    report = router_audit.audit(office, ROUTER)
    left = [row for row in simulator.secrets() if not row.get("comment", "").startswith("leadtui:")]
    return {
        "leads": count, "converted": len(done.successful), "seconds": seconds, "cpu": cpu_s, "struck": struck,
        "refused": dict(collections.Counter(one.code for one in done.failed)),
        "unexplained": sum(not one.error for one in done.failed), "left_open": open_jobs, "settled": dict(settled),
        "matched": report.matched, "missing": len(report.missing), "orphaned": len(report.orphaned),
        "drifted": len(report.drifted), "error": report.error, "foreign_untouched": left == foreign,
        "open_in_the_end": sum(job.state != "failed" for job in pending(office)),
    }  # fmt: skip


def provisioning(table: Table, env: Mapping[str, str], count: int = 1_000) -> None:
    """Run it in a process of its own and put it into the table."""
    command = [sys.executable, "-m", "bench.provisioning", env["LEADTUI_DB"], str(count)]
    ran = subprocess.run(command, env=dict(env), check=True, capture_output=True, text=True)
    found = json.loads(ran.stdout)
    table.head(f"{count:,} leads converted in bulk while {RATE:.0%} of all commands to the router fail")
    refused = ", ".join(f"{n} {code}" for code, n in sorted(found["refused"].items(), key=lambda one: -one[1]))
    table.row("faults that struck", f"{found['struck']:,}")
    table.row("converted", f"{found['converted']:,} in {found['seconds']:.0f} s", f"cpu {found['cpu']:.0f} s")
    table.row(
        "refused, each with its reason", f"{count - found['converted']:,}", "", None, "all", not found["unexplained"]
    )
    table.row("left open, then settled", f"{found['left_open']}", "", None, "0 open", found["open_in_the_end"] == 0)
    matched = found["matched"] == found["converted"]
    table.row("audit: matched", f"{found['matched']:,}", "", None, "converted", matched)
    for what in ("missing", "orphaned", "drifted"):
        table.row(f"audit: {what}", str(found[what]), "", None, "0", found[what] == 0)
    table.row(
        "what others made, untouched", "yes" if found["foreign_untouched"] else "no", ok=found["foreign_untouched"]
    )
    print(f"\nrefused: {refused}")


def main() -> int:
    """Carry it out on a database and print the figures."""
    import logging

    from leadtui.router.simulator import Simulator
    from leadtui.services.office import open_office

    logging.disable(logging.CRITICAL)
    office = open_office(sys.argv[1])
    with Simulator() as simulator:
        print(json.dumps(converted_and_settled(office, simulator, int(sys.argv[2]), deadline_s=DEADLINE_S)))
    office.close()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
