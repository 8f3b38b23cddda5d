"""Two servers, each with its own office, on one database: both engines."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing

import httpx

from bench.api_fuzz import served
from leadtui.services import api_tokens, leads
from leadtui.services.office import Office, open_office
from tests.api.conftest import phone


def test_two_servers_draw_no_number_twice_and_keep_one_of_each(office: Office, db_url: str) -> None:
    token = api_tokens.create(office, "boss").token.reveal()
    headers = {"Authorization": f"Bearer {token}"}
    phones = [phone() for _ in range(6)]
    with ExitStack() as stack:
        clients = []
        for _ in range(2):
            own = stack.enter_context(closing(open_office(db_url)))
            base = stack.enter_context(served(own))
            clients.append(stack.enter_context(httpx.Client(base_url=base, headers=headers, trust_env=False)))
        pool = stack.enter_context(ThreadPoolExecutor(8))

        def post(number: int) -> httpx.Response:
            return clients[number % 2].post("/api/leads", json={"phone": phones[number // 2]})

        answers = list(pool.map(post, range(12)))
        assert sorted(one.status_code for one in answers) == [201] * 6 + [409] * 6
        numbers = {one.json()["number"] for one in answers if one.status_code == 201}
        assert len(numbers) == 6

        keyed = {"Idempotency-Key": "once"}
        one_phone = phone()
        same = list(
            pool.map(lambda n: clients[n % 2].post("/api/leads", json={"phone": one_phone}, headers=keyed), range(6))
        )
        assert {one.status_code for one in same} == {201}
        assert len({one.json()["id"] for one in same}) == 1

        event = {"lead": next(iter(numbers)), "event": "page_view", "external_ref": "e1"}
        told = list(pool.map(lambda n: clients[n % 2].post("/api/events", json=event).json()["new"], range(6)))
        assert sorted(told) == [0, 0, 0, 0, 0, 1]
    assert leads.count(office) == 7
