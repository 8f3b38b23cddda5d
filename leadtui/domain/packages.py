"""What an internet package means on a router: its figures, the name of its profile, the profile's properties. Pure."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from typing import Any

from leadtui.domain.addresses import check_address, parse_rate
from leadtui.domain.catalog import Product
from leadtui.errors import Invalid

ADDRESSING: tuple[str, ...] = ("dynamic", "fixed", "queue")
"""Where a customer's address comes from: the profile's pool · one of its own · one of its own, slowed by a queue."""


_BETWEEN_FIGURES = re.compile(r"\s*/\s*(?=\d)")


def check_package(columns: Mapping[str, Any]) -> None:
    """Whether the columns of a package fit together. Raises Invalid with the field to be filled in."""
    given = {key for key in ("upload", "download") if columns.get(f"{key}_bps") is not None}
    if len(given) == 1:
        missing = "download" if "upload" in given else "upload"
        raise Invalid(
            f"the {missing} is missing beside the {given.pop()}", field=missing,
            hint="give both, such as 5M and 20M, or neither",
        )  # fmt: skip
    if _is_address(columns.get("pool")):
        raise Invalid("a pool is given by its name, not by an address", field="pool", hint="as the router calls it")
    if columns.get("addressing") == "queue" and not given:
        raise Invalid(
            "a package with a queue needs its upload and download", field="upload",
            hint="they become the limits of each customer's simple queue, such as 5M and 20M",
        )  # fmt: skip


def _is_address(text: str | None) -> bool:
    try:
        return bool(text and check_address(text))
    except Invalid:
        return False


def package_warnings(record: Mapping[str, Any]) -> tuple[str, ...]:
    """What is allowed but will be missed later, as sentences. `record` is a package as `services.admin` answers it."""
    words = []
    if record.get("addressing") in ("fixed", "queue") and not record.get("pool"):
        words.append("without a pool no free address can be suggested: each customer's must be typed")
    if behind := record.get("queues_behind"):
        whose = "a customer's queue keeps its" if behind == 1 else f"the queues of {behind:,} customers keep their"
        words.append(f"{whose} old speed until the routers are brought up to date: leadtui router audit --fix")
    return tuple(words)


def figures(product: Product) -> tuple[int | None, int | None]:
    """The customer's upload and download in bits a second: those set, else what the speed says when it says one thing.

    (None, None) when there is nothing to go by, and for a speed such as 5M/20M, which does not say which is which.
    """
    if product.upload_bps is not None and product.download_bps is not None:
        return product.upload_bps, product.download_bps
    read = _read_speed(product.speed)
    return (read[0], read[0]) if len(read) == 1 else (None, None)


def pushed_figures(product: Product) -> tuple[int | None, int | None]:
    """The rates that the package's profile carries: none where each customer has a queue. Raises Invalid."""
    if product.addressing == "queue":
        return None, None
    upload, download = figures(product)
    if upload is None or download is None:
        speed = (product.speed or "").strip()
        why = (
            f"its speed {speed} does not say which figure is the upload" if len(_read_speed(speed)) > 1
            else f"its speed '{speed}' cannot be read" if speed
            else "nothing says how fast it is"
        )  # fmt: skip
        raise Invalid(
            f"{product.name} cannot be pushed: {why}", field="upload",
            hint=f"set both figures: leadtui package edit {shlex.quote(product.name)} --upload 5M --download 20M",
        )  # fmt: skip
    return upload, download


def _read_speed(text: str | None) -> tuple[int, ...]:
    """The different figures in a speed such as `20 Mbit/s` or `5M/20M`; empty when any part is no rate."""
    parts = _BETWEEN_FIGURES.split((text or "").strip())
    try:
        found = [parse_rate(part, field="speed") for part in parts]
    except Invalid:
        return ()
    return tuple(dict.fromkeys(found)) if len(found) <= 2 else ()


_FIELD_WORDS: Mapping[str, str] = {
    "name": "name", "rate_limit": "up/down", "pool": "pool", "gateway": "gateway", "comment": "mark",
}  # fmt: skip


def difference_words(field: str, wanted: str, actual: str, *, is_change: bool) -> str:
    """A property of a profile that is not as the package says: "up/down 10M/10M → 5M/20M", or as it stands there."""
    label, mine, theirs = _FIELD_WORDS.get(field, field), wanted or "none", actual or "none"
    if is_change:
        return f"{label} {theirs} → {mine}" if actual else f"{label} {mine}"
    return f"{label} {theirs}, not {mine}"
