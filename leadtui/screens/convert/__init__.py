"""The conversion wizard: from a lead to a customer, with a router user, step by step (spec §L2)."""

from leadtui.screens.convert.wizard import ConvertWizard

__all__ = ["ConvertWizard"]
