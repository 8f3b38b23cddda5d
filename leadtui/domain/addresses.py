"""IPv4 ranges as address pools write them, and speeds as people and routers write them. Pure.

Every address of a range can be given to a customer, also the first and the last of a prefix, as RouterOS pools do it.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal
from ipaddress import AddressValueError, IPv4Address, IPv4Network, NetmaskValueError

from leadtui.errors import Invalid

RATE_MIN_BPS = 1_000
"""Below this a figure is a forgotten unit ("20" for 20M), not a speed."""
RATE_MAX_BPS = 10**12

_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9}
_SHOWN_UNITS = (("G", 10**9), ("M", 10**6), ("k", 10**3))
_RATE = re.compile(r"(\d{1,15}(?:\.\d{1,9})?)\s*([kmg]?)(?:b(?:it)?(?:ps|/s)?)?", re.IGNORECASE | re.ASCII)
_FIGURE = re.compile(r"(\d{1,15})([kmg]?)", re.IGNORECASE | re.ASCII)
_SPEED_HINT = "for example 20M, 512k or 1G"
_RANGES_HINT = "for example 10.20.0.2-10.20.0.254, 10.30.0.0/24"


# Addresses


@dataclass(frozen=True, slots=True)
class Ranges:
    """A set of IPv4 addresses as spans (first, last), ascending, none touching another."""

    spans: tuple[tuple[int, int], ...] = ()

    @property
    def total(self) -> int:
        """How many addresses there are."""
        return sum(last - first + 1 for first, last in self.spans)

    def __str__(self) -> str:
        return ",".join(
            f"{IPv4Address(first)}-{IPv4Address(last)}" if last > first else str(IPv4Address(first))
            for first, last in self.spans
        )


def check_address(text: str, *, field: str = "ip") -> str:
    """`text` as an IPv4 address in its one spelling; Invalid otherwise, and for 0.0.0.0, which routers read as none."""
    try:
        address = IPv4Address(text.strip())
    except AddressValueError:
        raise Invalid(f"{_short(text)} is not an IPv4 address.", field=field, hint="for example 10.20.0.15") from None
    if int(address) == 0:
        raise Invalid("0.0.0.0 is not an address for a user.", field=field, hint="leave it empty for a dynamic one")
    return str(address)


def parse_ranges(text: str, *, field: str = "ranges") -> Ranges:
    """Ranges from `a-b`, single addresses and prefixes, with commas between; overlapping ones are joined.

    Raises Invalid for anything else, an empty text and a range that ends before it begins.
    """
    spans = [_span(part.strip(), field) for part in text.split(",") if part.strip()]
    if not spans:
        raise Invalid("An address range is needed.", field=field, hint=_RANGES_HINT)
    joined: list[tuple[int, int]] = []
    for first, last in sorted(spans):
        if joined and first <= joined[-1][1] + 1:
            joined[-1] = (joined[-1][0], max(last, joined[-1][1]))
        else:
            joined.append((first, last))
    return Ranges(tuple(joined))


def _span(part: str, field: str) -> tuple[int, int]:
    low, dash, high = part.partition("-")
    try:
        if dash:
            first, last = int(IPv4Address(low.strip())), int(IPv4Address(high.strip()))
        else:
            network = IPv4Network(part, strict=False)
            first, last = int(network.network_address), int(network.broadcast_address)
    except (AddressValueError, NetmaskValueError, ValueError):
        raise Invalid(f"{_short(part)} is not a range of IPv4 addresses.", field=field, hint=_RANGES_HINT) from None
    if last < first:
        raise Invalid(f"The range {_short(part)} ends before it begins.", field=field, hint=_RANGES_HINT)
    return first, last


def _number(address: str) -> int | None:
    """An address, with or without /32, as a number; None for anything else."""
    try:
        return int(IPv4Address(address.strip().removesuffix("/32")))
    except AddressValueError:
        return None


def contains(ranges: Ranges, address: str) -> bool:
    """Whether `address` is one of them. What is not an IPv4 address never is."""
    number = _number(address)
    return number is not None and any(first <= number <= last for first, last in ranges.spans)


def next_free(ranges: Ranges, taken: Collection[str]) -> str | None:
    """The lowest address that is not `taken`, or None. Works on spans: a /8 costs no more than what is taken of it.

    What is not an IPv4 address in `taken` is passed over.
    """
    numbers = sorted({number for address in taken if (number := _number(address)) is not None})
    for first, last in ranges.spans:
        candidate = first
        for number in numbers[bisect_left(numbers, first) :]:
            if number != candidate:
                break
            candidate += 1
        if candidate <= last:
            return str(IPv4Address(candidate))
    return None


# Speeds


def parse_rate(text: str, *, field: str = "speed") -> int:
    """A speed in bit/s from `20M`, `20 Mbps`, `1.5 Mbit/s`, `512k`, `1G`, `20000000`. Units are thousands of bits.

    Raises Invalid, with `field`, for zero, what is negative, less than a kilobit or more than a terabit, and the rest.
    """
    found = _RATE.fullmatch(text.strip())
    if found is None:
        raise Invalid(f"{_short(text)} is not a speed.", field=field, hint=_SPEED_HINT)
    exact = Decimal(found[1]) * _UNITS[found[2].lower()]
    if exact != int(exact):
        raise Invalid(f"{_short(text)} is not a whole number of bits per second.", field=field, hint=_SPEED_HINT)
    if not RATE_MIN_BPS <= exact <= RATE_MAX_BPS:
        limits = f"between {show_rate(RATE_MIN_BPS)} and {show_rate(RATE_MAX_BPS)}"
        raise Invalid(f"The speed {_short(text)} is not {limits} bit/s.", field=field, hint=_SPEED_HINT)
    return int(exact)


def show_rate(bps: int) -> str:
    """A speed in the largest unit that shows it exactly: 20M, 1500k, 1G, 1234567. `parse_rate` reads it back."""
    return _figure(bps, _SHOWN_UNITS)


def _figure(bps: int, units: tuple[tuple[str, int], ...]) -> str:
    return next((f"{bps // size}{unit}" for unit, size in units if bps >= size and bps % size == 0), str(bps))


def rate_limit(upload_bps: int | None, download_bps: int | None) -> str | None:
    """Speeds as a router profile has them: "<upload>/<download>", seen from the customer (facts/mikrotik, Menus).

    None when both are; one that is None becomes 0, which is no limit that way. Profiles know the units k and M only.
    """
    if upload_bps is None and download_bps is None:
        return None
    return "/".join(_figure(bps or 0, _SHOWN_UNITS[1:]) for bps in (upload_bps, download_bps))


def read_rate_limit(text: str) -> tuple[int | None, int | None] | None:
    """(upload, download) in bit/s of a profile's rate limit or a queue's max-limit; a 0 is None, no limit that way.

    One figure stands for both. Bursts and what else may follow are not looked at. None for what cannot be read.
    """
    words = text.split(None, 1)
    figures = [_FIGURE.fullmatch(part) for part in words[0].split("/")] if words else []
    if not 1 <= len(figures) <= 2 or not all(figures):
        return None
    speeds = [int(found[1]) * _UNITS[found[2].lower()] or None for found in figures if found]
    return speeds[0], speeds[-1]


def _short(text: str) -> str:
    """What was typed, short enough for a message."""
    text = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return text if len(text) <= 50 else f"{text[:49]}…"
