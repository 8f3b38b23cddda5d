"""Address ranges and speeds: what is read, what is refused, what comes back."""

from __future__ import annotations

from ipaddress import IPv4Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadtui.domain.addresses import (
    RATE_MAX_BPS,
    RATE_MIN_BPS,
    Ranges,
    check_address,
    contains,
    next_free,
    parse_ranges,
    parse_rate,
    rate_limit,
    read_rate_limit,
    show_rate,
)
from leadtui.errors import Invalid

RATES = st.integers(RATE_MIN_BPS, RATE_MAX_BPS)
SPANS = st.tuples(st.integers(1, 60), st.integers(0, 8)).map(lambda s: (s[0], s[0] + s[1]))


def address(number: int) -> str:
    return str(IPv4Address(0x0A000000 + number))


@pytest.mark.parametrize(
    ("text", "shown", "total"),
    [
        ("10.0.0.2-10.0.0.254", "10.0.0.2-10.0.0.254", 253),
        ("10.0.0.1", "10.0.0.1", 1),
        (" 10.0.0.5 - 10.0.0.7 , 10.0.0.1 ", "10.0.0.1,10.0.0.5-10.0.0.7", 4),
        ("10.0.0.0/30", "10.0.0.0-10.0.0.3", 4),  # the first and the last can be given too
        ("10.0.0.9/30", "10.0.0.8-10.0.0.11", 4),
        ("10.0.0.0/31,10.0.0.2-10.0.0.9,10.0.0.4", "10.0.0.0-10.0.0.9", 10),
        ("255.255.255.255,0.0.0.0/32", "0.0.0.0,255.255.255.255", 2),
    ],
)
def test_ranges(text, shown, total):
    ranges = parse_ranges(text)
    assert (str(ranges), ranges.total) == (shown, total)
    assert parse_ranges(str(ranges)) == ranges


@pytest.mark.parametrize(
    "text",
    [
        "",
        " , ",
        "x",
        "10.0.0.1-",
        "-10.0.0.1",
        "10.0.0.9-10.0.0.1",
        "10.0.0.0/33",
        "fe80::1",
        "10.0.0.256",
        "10.0.0.1-x",
    ],
)
def test_what_is_no_range(text):
    with pytest.raises(Invalid) as refused:
        parse_ranges(text, field="pool")
    assert refused.value.field == "pool"


def test_what_is_typed_is_quoted_short_and_clean():
    with pytest.raises(Invalid) as refused:
        parse_ranges("\x1b[31m" + "x" * 500)
    assert "\x1b" not in refused.value.message
    assert len(refused.value.message) < 120


@pytest.mark.parametrize(
    ("taken", "free"),
    [
        ((), "10.0.0.2"),
        (("10.0.0.2", "10.0.0.3/32", "not an address", "10.0.0.3"), "10.0.0.4"),
        (("10.0.0.3",), "10.0.0.2"),
        (("10.0.0.2", "10.0.0.3", "10.0.0.4"), "10.0.0.9"),
        (("10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.9"), None),
    ],
)
def test_the_next_free_address(taken, free):
    assert next_free(parse_ranges("10.0.0.2-10.0.0.4,10.0.0.9"), taken) == free


def test_the_largest_range_is_never_written_out():
    everything = parse_ranges("0.0.0.0/0")
    assert everything.total == 2**32
    assert next_free(everything, ["0.0.0.0", "0.0.0.1", "255.255.255.255"]) == "0.0.0.2"  # noqa: S104


@given(st.lists(SPANS, min_size=1, max_size=5), st.sets(st.integers(0, 70)))
def test_ranges_are_the_sets_they_stand_for(spans, taken_numbers):
    ranges = parse_ranges(",".join(f"{address(low)}-{address(high)}" for low, high in spans))
    members = {number for low, high in spans for number in range(low, high + 1)}
    assert ranges.total == len(members)
    assert {number for number in range(80) if contains(ranges, address(number))} == members
    free = members - taken_numbers
    assert next_free(ranges, {address(number) for number in taken_numbers}) == (address(min(free)) if free else None)


def test_no_ranges_contain_nothing():
    assert next_free(Ranges(), ()) is None
    assert not contains(Ranges(), "10.0.0.1")
    assert not contains(parse_ranges("0.0.0.0/0"), "pool")


@pytest.mark.parametrize("text", ["10.20.0.15", " 10.20.0.15 "])
def test_an_address(text):
    assert check_address(text) == "10.20.0.15"


@pytest.mark.parametrize("text", ["", "0.0.0.0", "pppoe-wl", "10.20.0.15/32", "fe80::1", "10.020.0.1"])  # noqa: S104
def test_what_is_no_address(text):
    with pytest.raises(Invalid) as refused:
        check_address(text, field="gateway")
    assert refused.value.field == "gateway"


@pytest.mark.parametrize(
    ("text", "bps"),
    [
        ("20 Mbps", 20_000_000),
        ("20M", 20_000_000),
        ("20 mbit/s", 20_000_000),
        ("20Mb/s", 20_000_000),
        ("512k", 512_000),
        ("1G", 10**9),
        ("20000000", 20_000_000),
        ("1.5M", 1_500_000),
        (" 100 kbps ", 100_000),
    ],
)
def test_speeds(text, bps):
    assert parse_rate(text) == bps


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0",
        "0M",
        "-5M",
        "20",
        "999",
        "fast",
        "20X",
        "M",
        "1.0005k",
        "20M/5M",
        "1e6",
        "２０M",
        "99999G",
        "1,5M",
        "+5M",
    ],
)
def test_what_is_no_speed(text):
    with pytest.raises(Invalid) as refused:
        parse_rate(text, field="download")
    assert refused.value.field == "download"


@given(RATES)
def test_a_speed_that_is_shown_is_read_back(bps):
    assert parse_rate(show_rate(bps)) == bps


@given(RATES | st.none(), RATES | st.none())
def test_a_rate_limit_that_is_written_is_read_back(upload, download):
    limit = rate_limit(upload, download)
    if upload is None and download is None:
        assert limit is None
    else:
        assert read_rate_limit(limit) == (upload, download)
        assert "G" not in limit  # a profile does not know it


def test_the_customers_upload_comes_first():
    assert rate_limit(5_000_000, 20_000_000) == "5M/20M"
    assert rate_limit(10**9, 1_234_567) == "1000M/1234567"
    assert rate_limit(None, 512_000) == "0/512k"


@pytest.mark.parametrize(
    ("text", "speeds"),
    [
        ("5M/20M", (5_000_000, 20_000_000)),
        ("10m", (10_000_000, 10_000_000)),
        ("10000000/512000", (10_000_000, 512_000)),
        ("0/0", (None, None)),
        ("1G/1G 2G/2G 0/0 0/0 8", (10**9, 10**9)),
        ("", None),
        ("5M/", None),
        ("1M/2M/3M", None),
        ("unlimited", None),
    ],
)
def test_rate_limits_of_routers(text, speeds):
    assert read_rate_limit(text) == speeds
