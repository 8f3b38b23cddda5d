"""Exporting what is seen: the leads of the present filter (or the marked ones) to a file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, ClassVar

from leadtui.screens.file_dialog import FileDialog
from leadtui.widgets.choice_row import Key
from leadtui.widgets.task_bar import Report


class ExportDialog(FileDialog):
    """Leads, with every field the person may see."""

    FORMATS: ClassVar[Sequence[Key]] = (
        Key("c", "csv", "CSV"),
        Key("j", "jsonl", "JSON lines"),
        Key("x", "xlsx", "Excel"),
        Key("v", "vcf", "vCards"),
    )

    def __init__(self, where: str = "") -> None:
        super().__init__()
        self.where = where

    def about(self, office: Any) -> str:
        """How many leads, and which."""
        from leadtui.services import leads

        of = f": {self.where}" if self.where else ", all you may see"
        return f"{_many(leads.count(office, self.where or None))}{of}"

    def write(self, path: Path, chosen: str, report: Report, should_stop: Callable[[], bool]) -> str:
        """The leads, as they stand now."""
        from leadtui.services.exporting import export_file

        count = export_file(
            self.office, self.where or None, path, format=chosen,
            on_progress=lambda done, total: report(done, total, ""), should_stop=should_stop,
        )  # fmt: skip
        return f"{_many(count)} exported to {path}"


def _many(count: int) -> str:
    return f"{count:,} lead{'' if count == 1 else 's'}"
