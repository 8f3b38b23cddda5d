"""The conversion wizard: from a lead to a customer, with a router user, step by step (spec §L2); and many at once."""

from leadtui.screens.convert.many import ConvertMany
from leadtui.screens.convert.wizard import ConvertWizard

__all__ = ["ConvertMany", "ConvertWizard"]
