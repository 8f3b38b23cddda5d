"""Forecast and back-test as lines of a sheet, beside each other where there is room. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from leadtui.domain.journeys import span_words
from leadtui.domain.money import exponent
from leadtui.widgets.lead_cells import plain_signs
from leadtui.widgets.sheet_lines import Line, Row, Span, beside, stack, text, wrapped
from leadtui.widgets.text import fit

if TYPE_CHECKING:
    from leadtui.domain.backtests import BackTest, StatusTest
    from leadtui.domain.forecasts import Forecast, ForecastLine
    from leadtui.services.conversion_times import ConversionTimes, SourceTime

WIDE = 110
"""From this width on the two stand beside each other."""
_FIGURES = 34
"""Cells of the four figures behind a name, and of the five of the back-test."""
_MOST_LINES = 8
"""Users and sources shown; the command line has them all."""


@dataclass(frozen=True, slots=True)
class Behind:
    """What enter opens: the leads of `where`, or those that came into a status."""

    title: str
    where: str = ""
    stage_id: int = 0


@dataclass(frozen=True, slots=True)
class Shown:
    """What is known by now; None: not read yet. `said` stands in the place of a back-test that is not there."""

    forecast: Forecast | None = None
    times: ConversionTimes | None = None
    test: BackTest | None = None
    said: str = ""
    plain: bool = False


def sheet(shown: Shown, width: int) -> list[Row]:
    """Everything, in one column or two."""
    if width >= WIDE:
        half = (width - 2) // 2 - 1
        return beside([*_forecast(shown, half), *_parts(shown, half)], _back_test(shown, half), width, 0.5)
    whole = width - 1
    return stack([*_forecast(shown, whole), *_back_test(shown, whole), Line(), *_parts(shown, whole)], width)


def short_money(minor: int | None, currency: str) -> str:
    """An amount in whole major units, from ten million on in millions: "1,999", "12.4M"; "" where it is not shown."""
    if minor is None:
        return ""
    major = round(minor / 10 ** exponent(currency))
    for size, unit in ((10**12, "T"), (10**9, "G"), (10**6, "M")):
        if abs(major) >= 10 * size:
            return f"{major / size:,.1f}{unit}"
    return f"{major:,}"


def _few(number: float) -> str:
    """A number that may be a part of one, in five cells: "0.4", "4,862", "13.2k"."""
    if number < 100:
        return f"{number:.1f}"
    if number < 10_000:
        return f"{number:,.0f}"
    return f"{number / 1000:.1f}k" if number < 100_000 else f"{number / 1000:,.0f}k"


def _short_span(seconds: int) -> str:
    """A duration in six cells: from ten days on the hours say nothing."""
    return f"{seconds // 86_400:,}d" if seconds >= 10 * 86_400 else span_words(seconds)


def percent(share: float | None, digits: int = 1) -> str:
    """A share in percent, without the sign; "" for None."""
    return "" if share is None else f"{share * 100:.{digits}f}"


def change_words(found: BackTest) -> Iterable[str]:
    """What taking over the measured ones changes, a line each."""
    for one in found.changes:
        if one.new is not None:
            was, new = percent(one.stage.probability), percent(one.new)
            yield f"{one.stage.name}: {was} → {new} %   ({one.converted:,} of {one.cases:,} converted)"


def _cells(parts: Sequence[tuple[str, int, str]], name: str, name_cells: int, style: str = "") -> tuple[Span, ...]:
    """A name and figures aligned to the right, each (words, cells, style)."""
    return text((fit(name, name_cells), style), *((f"{words:>{cells}}", look) for words, cells, look in parts))


# -- what is to come ---------------------------------------------------------------------------------------------------
def _forecast(shown: Shown, width: int) -> list[Line]:
    found, plain = shown.forecast, shown.plain
    if found is None:
        return [Line(rule="Forecast"), Line(text(("reading …", "muted")))]
    cells = _name_cells(width)
    lines = [Line(rule="Forecast", right=text(found.currency))]
    for pipeline in dict.fromkeys(one.pipeline for one in found.rows):
        heads = [("leads", 8, "muted"), ("value", 10, "muted"), ("%", 6, "muted"), ("forecast", 10, "muted")]
        lines.append(Line(_cells(heads, pipeline, cells, "muted")))
        for one in found.rows:
            if one.pipeline != pipeline:
                continue
            parts = [
                (f"{one.count:,}", 8, ""), (short_money(one.value_minor, found.currency), 10, ""),
                (percent(one.probability), 6, "muted"),
                (short_money(one.weighted_minor, found.currency), 10, "accent"),
            ]  # fmt: skip
            behind = Behind(f"{one.status}, open", one.filter)
            name = plain_signs(f"{one.mark} {one.status}", plain)
            lines.append(Line(_cells(parts, name, cells), item=behind, key=("status", pipeline, one.status)))
    if not found.rows:
        lines.append(Line(text(("there are no open leads", "muted"))))
    else:
        total = [
            (f"{found.count:,}", 8, "strong"), (short_money(found.value_minor, found.currency), 10, "strong"),
            ("", 6, ""), (short_money(found.weighted_minor, found.currency), 10, "strong"),
        ]  # fmt: skip
        everything = Behind("Open leads", found.filter)
        lines.append(Line(_cells(total, "  in all", cells, "strong"), item=everything, key="all"))
    return [*lines, Line(), *_expected(found)]


def _parts(shown: Shown, width: int) -> list[Line]:
    """By user and source, and how long conversions took."""
    found, cells = shown.forecast, _name_cells(width)
    if found is None:
        return []
    return [*_lines("By user", found.users, found, cells), *_lines("By source", found.sources, found, cells),
            *_times(shown, cells)]  # fmt: skip


def _name_cells(width: int) -> int:
    """What the figures leave for the names."""
    return max(width - _FIGURES, 12)


def _expected(found: Forecast) -> list[Line]:
    if not found.rows:
        return []
    lines = [Line(text(("expected customers     ", "muted"), f"{found.customers:,.1f}"))]
    if found.installation_minor is not None:
        once, monthly = found.installation_minor, found.monthly_minor
        lines += [
            Line(text(("expected installation  ", "muted"), short_money(once, found.currency))),
            Line(text(("expected each month    ", "muted"), short_money(monthly, found.currency))),
        ]
    return [*lines, Line()]


def _lines(title: str, rows: Sequence[ForecastLine], found: Forecast, cells: int) -> list[Line]:
    if not rows:
        return []
    heads = [("leads", 8, "muted"), ("value", 10, "muted"), ("cust.", 6, "muted"), ("forecast", 10, "muted")]
    made = [Line(rule=title), Line(_cells(heads, "", cells))]
    for one in rows[:_MOST_LINES]:
        parts = [
            (f"{one.count:,}", 8, ""), (short_money(one.value_minor, found.currency), 10, ""),
            (_few(one.customers), 6, "muted"), (short_money(one.weighted_minor, found.currency), 10, "accent"),
        ]  # fmt: skip
        behind = Behind(f"{one.name}, open", one.filter)
        made.append(Line(_cells(parts, f"  {one.name}", cells), item=behind, key=(title, one.name, one.login)))
    if len(rows) > _MOST_LINES:
        made.append(Line(text((f"  and {len(rows) - _MOST_LINES:,} more", "muted"))))
    return [*made, Line()]


def _times(shown: Shown, cells: int) -> list[Line]:
    found = shown.times
    if found is None or not found.count:
        return []
    heads = [("leads", 8, "muted"), ("average", 13, "muted"), ("median", 13, "muted")]
    lines = [Line(rule="Until the conversion"), Line(_cells(heads, "", cells))]
    rows: list[tuple[str, ConversionTimes | SourceTime]] = [("  in all", found)]
    rows += [(f"  {one.name}", one) for one in found.by_source[:_MOST_LINES]]
    for name, one in rows:
        parts = [
            (f"{one.count:,}", 8, ""), (span_words(one.average_s), 13, ""), (span_words(one.median_s), 13, "accent"),
        ]  # fmt: skip
        behind = Behind(f"{name.strip().capitalize()}, converted", one.filter)
        lines.append(Line(_cells(parts, name, cells), item=behind, key=("times", name)))
    return [*lines, Line()]


# -- how true it has proved --------------------------------------------------------------------------------------------
def _back_test(shown: Shown, width: int) -> list[Line]:
    found = shown.test
    if found is None:
        lines = [Line(text((one, "muted"))) for one in wrapped(shown.said or "reading …", width)]
        return [Line(rule="Tried on the past"), *lines]
    cells = _name_cells(width)
    lines = [Line(rule="Tried on the past", right=text(found.pipeline))]
    heads = [(word, n, "muted") for word, n in (("cases", 8), ("is %", 6), ("95 %", 7), ("set", 5), ("time", 8))]
    lines.append(Line(_cells(heads, "came into", cells, "muted")))
    lines += [_test_line(one, cells, shown.plain) for one in found.rows if not one.stage.is_lost or one.entered]
    lines.append(Line())
    for words, style in _words(found):
        lines += [Line(text((one, style))) for one in wrapped(plain_signs(words, shown.plain), width)]
    return lines


def _test_line(one: StatusTest, cells: int, plain: bool) -> Line:
    interval, fixed = one.interval, one.stage.is_converted or one.stage.is_lost
    between = "" if interval is None or fixed else f"{interval[0] * 100:.0f}–{interval[1] * 100:.0f}"
    # a sign besides the colour: set outside of the interval in which the truth lies
    off = one.is_off and not fixed
    parts = [
        (f"{one.cases:,}", 8, ""), ("" if fixed else percent(one.share), 6, "accent"),
        (plain_signs(between, plain), 7, "muted"),
        (percent(one.stage.probability, 0) + ("!" if off else " "), 6, "warning" if off else ""),
        ("" if one.median_s is None or fixed else _short_span(round(one.median_s)), 7, "muted"),
    ]  # fmt: skip
    behind = Behind(f"Came into {one.stage.name}", stage_id=one.stage.id)
    name = plain_signs(f"{one.stage.mark} {one.stage.name}", plain)
    return Line(_cells(parts, name, cells), item=behind, key=("test", one.stage.id))


def _words(found: BackTest) -> Iterable[tuple[str, str]]:
    left_out = sum(one.young for one in found.rows if not (one.stage.is_converted or one.stage.is_lost))
    old = sum(one.old for one in found.rows if not (one.stage.is_converted or one.stage.is_lost))
    if found.date_from or found.date_to:
        yield f"Came in {found.date_from or '…'} to {found.date_to or 'today'}.", "muted"
    cases = f"Cases are converted, lost, or undecided for {found.age_days:,} days ({old:,}: not converted)"
    yield f"{cases}; {left_out:,} undecided for less are left out.", "muted"
    yield "95 %: there the true share lies; !: set outside of it.", "muted"
    if found.brier_in_use is None or found.brier_measured is None:
        yield "There is too little to judge on: later leads than those measured on are needed.", "muted"
    else:
        better = found.brier_measured < found.brier_in_use
        judged = f"Judged on {found.judged:,} cases of leads since {found.split}, measured on those before: "
        error = f"error (Brier) {found.brier_in_use:.4f} as set, {found.brier_measured:.4f} as measured."
        yield judged + error, "success" if better else "muted"
    few = [one for one in found.rows if one.new is None and not (one.stage.is_converted or one.stage.is_lost)]
    for one in few:
        yield f"{one.stage.name}: {one.why_not}, it stays as it is.", "muted"
    if found.changes:
        count = len(found.changes)
        yield f"U gives {count} status{'' if count == 1 else 'es'} what was measured.", "strong"
