"""What an import answers, and the file of refused rows that can be mended and imported again."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from leadtui.domain.csv_mapping import REJECT_REASON, ColumnPlan
from leadtui.domain.csv_text import guard
from leadtui.services.importing.preparing import Prepared, RowError
from leadtui.services.whole_file import whole_file

SHOWN_ERRORS = 100


@dataclass(frozen=True, slots=True)
class ImportPlan:
    """A file as it would be read: for a preview before anything is decided."""

    name: str
    kind: str
    encoding: str
    delimiter: str
    rows: int
    columns: tuple[ColumnPlan, ...]
    unknown: tuple[str, ...]
    samples: tuple[tuple[str, ...], ...]
    warnings: tuple[str, ...]
    imported_before: str | None = None


@dataclass(slots=True)
class ImportResult:
    """What became of the rows. `refused`: bad rows made the whole file be refused, nothing was written."""

    rows: int = 0
    created: int = 0
    updated: int = 0
    skipped: int = 0
    failed: int = 0
    batch: int | None = None
    refused: bool = False
    dry_run: bool = False
    errors: tuple[RowError, ...] = ()
    skips: tuple[RowError, ...] = ()
    warnings: list[str] = field(default_factory=list)
    unknown: tuple[str, ...] = ()
    rejects: Path | None = None

    def as_json(self) -> dict[str, Any]:
        """The object of the contract, with the first errors and skipped rows."""
        return {
            "rows": self.rows, "created": self.created, "updated": self.updated, "skipped": self.skipped,
            "failed": self.failed, "batch": self.batch, "dry_run": self.dry_run,
            "errors": [e.as_json() for e in self.errors[:SHOWN_ERRORS]],
            "skips": [e.as_json() for e in self.skips[:SHOWN_ERRORS]], "unknown_columns": list(self.unknown),
            "rejects": str(self.rejects) if self.rejects else None,
        }  # fmt: skip


def write_rejects(path: Path, headers: Sequence[str], rows: Sequence[Prepared]) -> Path:
    """The refused rows in their original columns, each with its reasons; the file is there whole or not at all.

    What did not fit under the headings stands behind the reason, so that the row stays refused until it is mended.
    """
    path = path.expanduser()
    keep = [i for i, h in enumerate(headers) if h.strip().casefold() != REJECT_REASON]
    width = len(headers)
    with whole_file(path, field="rejects") as binary, io.TextIOWrapper(binary, encoding="utf-8", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow([*(headers[i] for i in keep), REJECT_REASON])
        for row in rows:
            cells = [*row.record.cells, *[""] * width]
            extra = [c for c in row.record.cells[width:] if c.strip()]
            if row.record.error is not None:
                extra.append("(mend this row, then remove this cell)")
            kept = (guard(cells[i]) if cells[i][:1] != "'" else cells[i] for i in keep)
            writer.writerow([*kept, _reason(row), *extra])
    return path


def _reason(row: Prepared) -> str:
    words = "; ".join(f"{e.field}: {e.message}" if e.field else e.message for e in row.errors)
    return guard(f"line {row.record.line}: {words}"[:2000])


def first_errors(rows: Sequence[Prepared], failed: Sequence[int]) -> tuple[RowError, ...]:
    """The errors of the refused rows, as many as are shown."""
    found: list[RowError] = []
    for index in failed:
        found += rows[index].errors
        if len(found) >= SHOWN_ERRORS:
            break
    return tuple(found[:SHOWN_ERRORS])
