"""Import: other people's files into leads (contract `lead import`, facts/field §3).

    plan = plan_import(office, Path("leads.csv"))              # columns, samples, warnings; writes nothing
    result = run_import(office, Path("leads.csv"), on_duplicate="skip", good_rows_only=False, rejects=None,
                        mapping={"COLUMN": "FIELD"}, dry_run=False, on_progress=…, should_stop=…)

A source is a path, bytes or a binary stream: CSV of any delimiter and encoding, XLSX, JSON lines, vCards. All rows are
one batch, which one `undo` takes back.
"""

from leadtui.services.importing.matching import POLICIES
from leadtui.services.importing.preparing import RowError
from leadtui.services.importing.results import ImportPlan, ImportResult
from leadtui.services.importing.running import ImportStopped, plan_import, run_import

__all__ = ["POLICIES", "ImportPlan", "ImportResult", "ImportStopped", "RowError", "plan_import", "run_import"]
