"""Conversion: one act that makes a lead a customer, and the router user with it, or leaves everything as it was.

`suggest` and `plan` write nothing; `convert` does one lead; `convert_many` many single ones (spec §L, AG16–AG18).
What a process left open is settled by `resolve`, by the worker, and by `settle_on_start` at the next start.
This is the front of it; the rooms behind are `conversion_order` (what is asked for, checked), `conversion_plan`,
`conversion_one`, `provisioning` (with a router user), `conversion_steps` (the last transaction), `conversion_many`.
"""

from leadtui.domain.conversion import PlanStep, StepEvent

from .conversion_many import BulkConversion, Converted, NotConverted, convert_many, find_targets, preview_many
from .conversion_one import ConversionResult, convert
from .conversion_order import ConvertRequest, RouterRequest
from .conversion_plan import ConversionPlan, ConvertSuggestion, plan, suggest
from .settling import PendingJob, Resolution, pending, resolve, settle_on_start

__all__ = [
    "BulkConversion", "ConversionPlan", "ConversionResult", "ConvertRequest", "ConvertSuggestion", "Converted",
    "NotConverted", "PendingJob", "PlanStep", "Resolution", "RouterRequest", "StepEvent", "convert", "convert_many",
    "find_targets", "pending", "plan", "preview_many", "resolve", "settle_on_start", "suggest",
]  # fmt: skip
