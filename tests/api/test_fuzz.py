"""Every operation asked with generated requests: a short run of `bench/api_fuzz.py`."""

from __future__ import annotations

import pytest

from bench.api_fuzz import fuzz
from leadtui.services.office import Office


@pytest.mark.filterwarnings("ignore")
def test_no_generated_request_finds_a_hole(sqlite_office: Office) -> None:
    statuses, wrong, calls = fuzz(sqlite_office, 2, every=4)
    assert wrong == []
    assert len(calls) > 9
    assert not {status for status in statuses if status >= 500}
