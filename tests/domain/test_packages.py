"""What a package says of its figures, and whether its values fit together."""

from __future__ import annotations

import pytest

from leadtui.domain.catalog import Product
from leadtui.domain.packages import check_package, difference_words, figures, package_warnings, pushed_figures
from leadtui.errors import Invalid


def product(speed: str | None = None, upload: int | None = None, download: int | None = None, **more: str) -> Product:
    return Product(1, "package", "Fibre", None, None, "FH", speed, True, upload, download, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(("speed", "bps"), [
    ("20M", 20_000_000), ("20 Mbps", 20_000_000), ("20M/20M", 20_000_000), ("20 Mbit/s", 20_000_000),
    ("20 Mbit/s / 20 Mbit/s", 20_000_000), ("512k/512K", 512_000), ("1G", 10**9), ("1.5 Mbps", 1_500_000),
])  # fmt: skip
def test_a_speed_that_says_one_thing(speed: str, bps: int) -> None:
    assert figures(product(speed)) == pushed_figures(product(speed)) == (bps, bps)


@pytest.mark.parametrize(
    "speed", ["5M/20M", "20M/5M", "", None, "up to 20M", "20M/", "/20M", "20M/20M/20M", "fast", "20", "٢٠M", "20M 30M"]
)
def test_a_speed_that_does_not(speed: str | None) -> None:
    assert figures(product(speed)) == (None, None)
    with pytest.raises(Invalid) as refused:
        pushed_figures(product(speed))
    assert refused.value.field == "upload" and "--upload" in str(refused.value.hint)


def test_given_figures_go_before_the_speed() -> None:
    assert figures(product("20M/20M", 5_000_000, 30_000_000)) == (5_000_000, 30_000_000)
    assert pushed_figures(product("20M", 5_000_000, 30_000_000, addressing="queue")) == (None, None)


@pytest.mark.parametrize(("columns", "field"), [
    ({"upload_bps": 1000}, "download"), ({"download_bps": 1000}, "upload"), ({"addressing": "queue"}, "upload"),
    ({"upload_bps": 1000, "addressing": "queue"}, "download"), ({"pool": "10.0.0.1"}, "pool"),
])  # fmt: skip
def test_what_does_not_fit_together(columns: dict[str, object], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        check_package(columns)
    assert refused.value.field == field and refused.value.hint


def test_what_is_only_warned_of() -> None:
    assert package_warnings({"addressing": "dynamic"}) == package_warnings({"addressing": "fixed", "pool": "p"}) == ()
    assert package_warnings({"addressing": "queue"}) == package_warnings({"addressing": "fixed", "pool": None}) != ()


def test_differences_in_words() -> None:
    assert difference_words("rate_limit", "5M/20M", "20M/5M", is_change=True) == "up/down 20M/5M → 5M/20M"
    assert difference_words("rate_limit", "5M/20M", "", is_change=True) == "up/down 5M/20M"
    assert difference_words("pool", "", "p", is_change=True) == "pool p → none"
    assert difference_words("rate_limit", "5M/20M", "", is_change=False) == "up/down none, not 5M/20M"
