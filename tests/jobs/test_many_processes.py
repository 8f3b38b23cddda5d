"""Four programs on one database, one killed and one frozen in the middle: each reminder once, each late one once.

The full measure (20 programs, 5,000 and 5,000, many blows) is `python -m bench.many_processes`.
"""

from __future__ import annotations

from bench.many_processes import load, play, prepare, verify
from leadtui import clock
from leadtui.jobs.runner import Runner
from leadtui.services.office import Office


def test_each_once_whoever_dies(office: Office) -> None:
    url = office.store.url.render_as_string(hide_password=False)
    found, crowd, _ = play(
        office, str(office.store.path or url), processes=4, workers=1, reminders=100, follow_ups=100, over_s=1.5,
        every_s=0.4, longest_s=0.6, patience_s=60, lead_s=0.2, users=3,
    )  # fmt: skip
    assert found.is_right, (found, crowd.counts)
    assert (found.meetings, found.follow_ups) == (100, 100)


def test_three_hours_of_downtime_are_caught_up(office: Office) -> None:
    """All that came due meanwhile is done once; the second time nothing changes."""
    logins = prepare(office, 3)
    from datetime import timedelta

    load(office, logins, 60, 60, clock.now() - timedelta(hours=3), 3 * 3600)
    done = Runner(office, "worker").once()
    found = verify(office)
    assert found.is_right and done.errors == 0, (found, done)
    again = Runner(office, "worker").once()
    assert again.is_empty, again
