"""Choosing the products, packages or units a lead is interested in."""

from __future__ import annotations

from typing import Any, ClassVar

from leadtui.domain.money import format_money
from leadtui.screens.act_dialog import Plan, Read
from leadtui.screens.tag_dialog import TickDialog, single_result


class InterestDialog(TickDialog):
    """Several may be wanted (spec C 23); the one package of the lead is chosen on its form."""

    HEADING: ClassVar[str] = "Interested in"
    PLACEHOLDER: ClassVar[str] = "type a part of a name"

    def ready(self, read: Read) -> None:
        """Show the products with their kinds and prices."""
        products = [product for product in read.catalog.products if product.is_active]
        self.names = [product.name for product in products]
        for product in products:
            price = format_money(product.price_minor, read.catalog.currency) if product.price_minor is not None else ""
            self.notes[product.name] = " · ".join(filter(None, (product.kind, price)))
        self.has = frozenset(read.detail.interests) if read.detail is not None else frozenset()
        super().ready(read)

    def plan(self) -> Plan | None:
        """What was added and what was taken away."""
        add, drop = tuple(sorted(self.add)), tuple(sorted(self.drop))
        if not add and not drop:
            self.refuse("Nothing is changed yet: enter ticks the product under the cursor", "#names")
            return None

        def one(office: Any, ref: int) -> Any:
            from leadtui.services import bulk

            return single_result(bulk.apply(office, bulk.Target(ids=(ref,)), bulk.Act(interest=add, uninterest=drop)))

        words = "interested in " + ", ".join([*add, *(f"−{name}" for name in drop)])
        return Plan(one, {"interest": add, "uninterest": drop}, words)
