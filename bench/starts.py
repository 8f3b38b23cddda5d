"""From typing the command to the first paint and to the first rows, beside a bare Textual app; then keys and memory."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from bench.table import Table, middle, ms, percentile
from bench.terminal import terminal

BARE = [sys.executable, str(Path(__file__).with_name("bare.py"))]
OURS = [sys.executable, "-m", "leadtui"]
KEYS = ["j"] * 60 + ["\x04"] * 40 + ["k"] * 20 + ["\x15"] * 20 + ["G", "g"] * 10 + [" "] * 10


def starts(table: Table, env: Mapping[str, str], first_name: str, rows: int, rounds: int = 9) -> None:
    """Whole processes in turns, so that both meet the same machine; the first round only warms the disk."""
    bare, paint, shown = [], [], []
    for turn in range(rounds + 1):
        with terminal(BARE, env) as app:
            bare_s = app.until("bare app is here")
        with terminal(OURS, env) as app:
            paint_s, rows_s = app.until("Leads"), app.until(first_name)
        if turn:
            bare.append(bare_s)
            paint.append(paint_s)
            shown.append(rows_s)
    table.head(f"Start, whole processes, median of {rounds} ({rows:,} leads, 80×24)")
    yard = f"bare Textual app {ms(middle(bare))}"
    for what, times, most in (("first paint", paint, 1.4), ("first rows from the database", shown, 3.2)):
        ratio = middle(times) / middle(bare)
        table.row(what, ms(middle(times)), yard, ratio, f"≤ {most} ×", ratio <= most)
        best = min(times) / min(bare)
        table.row("… best of all", ms(min(times)), f"bare Textual app {ms(min(bare))}", best)


def keys(table: Table, env: Mapping[str, str], first_name: str, rows: int, most_s: float, most_mb: float) -> None:
    """Moving through the list in a real terminal: from the key to the last byte of the answer."""
    with terminal(OURS, env) as app:
        app.until(first_name)
        app.quiet()
        times = [took for key in KEYS if (took := app.settle(key)) is not None]
        sorts = [took for key in [">"] * 8 + ["<"] * 2 if (took := app.settle(key, 0.4)) is not None]
        peak = app.peak_mb()
    with terminal(BARE, env) as app:
        app.until("bare app is here")
        bare_mb = app.peak_mb()
    table.head(f"In the running program ({rows:,} leads, 80×24, terminal to terminal)")
    what = f"key settled, p95 of {len(times)} (rows, pages, ends, marks)"
    p95 = percentile(times, 0.95)
    table.row(what, ms(p95), f"median {ms(middle(times))}", None, f"≤ {ms(most_s)}", p95 <= most_s)
    table.row("another order settled, slowest of 10", ms(max(sorts)), f"median {ms(middle(sorts))}")
    table.row("most memory held", f"{peak:.0f} MB", f"bare Textual app {bare_mb:.0f} MB", peak / bare_mb,
              f"≤ {most_mb:.0f} MB", peak <= most_mb)  # fmt: skip
