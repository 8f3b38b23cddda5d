"""`leadtui lead`: the noun; its verbs live in the files beside it."""

from __future__ import annotations

import importlib
import importlib.util
from typing import Final

from leadtui.cli import tree

VERBS: Final = (
    "leadtui.cli.lead_find", "leadtui.cli.lead_one", "leadtui.cli.lead_many", "leadtui.cli.convert",
    "leadtui.cli.importing", "leadtui.cli.lead_reach", "leadtui.cli.lead_journey",
    "leadtui.cli.rule_score", "leadtui.cli.lead_offers",
)  # fmt: skip

app = tree.noun("Leads: add, find, edit, move on, convert")

for _module in VERBS:
    if importlib.util.find_spec(_module) is not None:
        importlib.import_module(_module).register(app)
