"""The form of the conversion wizard: its fields, which of them show, and the request they make. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from leadtui.widgets.form import FieldSpec, FieldState
from leadtui.widgets.text import one_line

if TYPE_CHECKING:
    from leadtui.services.conversion import ConvertRequest
    from leadtui.services.conversion_plan import ConvertSuggestion

ROUTER_FIELDS = ("username", "password", "package", "router", "service", "address", "ip")
CUSTOMER_FIELDS = ("customer", "type", "pan", "aadhar", "gst", "family_group")

DYNAMIC, NEXT, TYPED, KEPT = "dynamic", "next", "typed", "kept"
_USER, _CUSTOMER = "MikroTik user", "Customer"


def specs_for(found: ConvertSuggestion) -> tuple[FieldSpec, ...]:
    """The fields, for what this lead's pipeline makes."""
    specs: list[FieldSpec] = []
    if found.makes_customer:
        specs += _customer_specs(found)
    if found.makes_router_user:
        specs += _router_specs(found)
    specs.append(
        FieldSpec("notes", "Notes", group="Lead", max_length=5000, help="why now; kept with the lead for analytics")
    )
    return tuple(specs)


def _customer_specs(found: ConvertSuggestion) -> list[FieldSpec]:
    specs = []
    if found.duplicate_customers:
        links = tuple(
            (str(hit.id), f"link to customer {hit.label} (same {hit.key})") for hit in found.duplicate_customers
        )
        specs.append(
            FieldSpec("customer", "Existing customer", "choice", choices=links, group=_CUSTOMER,
                      help="a second customer with the same phone or email cannot be made")
        )  # fmt: skip
    kinds = tuple((kind, kind) for kind in found.types)
    specs += [
        FieldSpec("type", "Type", "choice", choices=kinds, group=_CUSTOMER),
        FieldSpec("pan", "PAN", group=_CUSTOMER, max_length=20, placeholder="ABCDE1234F"),
        FieldSpec("aadhar", "Aadhaar", group=_CUSTOMER, max_length=20, placeholder="12 digits"),
        FieldSpec("gst", "GST", group=_CUSTOMER, max_length=25, placeholder="15 characters"),
    ]
    if found.family_groups:
        groups = tuple((name, name) for name in found.family_groups)
        specs.append(FieldSpec("family_group", "Family group", "choice", choices=groups, group=_CUSTOMER))
    return specs


def _router_specs(found: ConvertSuggestion) -> list[FieldSpec]:
    packages = tuple(
        (p.name, f"{p.name} (profile {p.profile})" if p.profile else f"{p.name} (no profile)") for p in found.packages
    )
    routers = tuple((r.name, _router_label(r.name, r.identity, r.last_error)) for r in found.routers)
    no_router = "" if routers else "no router is on the list yet: 3 shows the routers"
    services = (("pppoe", "PPPoE"), ("hotspot", "Hotspot"))
    why = f"{found.router}: {found.why_router}" if found.router and found.why_router else found.why_router
    return [
        FieldSpec("router_user", "Create MikroTik User?", "bool", group=_USER, help=no_router),
        FieldSpec("router", "Router", "choice", choices=routers, group=_USER, help=no_router or one_line(why)),
        FieldSpec("username", "User name", group=_USER, max_length=63, help="letters, digits and . _ @ -"),
        FieldSpec("password", "Password", "password", group=_USER, max_length=63,
                  help="f3 shows it, f5 makes another one"),
        FieldSpec("package", "Package", "choice", choices=packages, group=_USER),
        FieldSpec("service", "Service", "choice", choices=services, group=_USER),
        FieldSpec("address", "Address", "choice", choices=address_choices(found, found.package or ""), group=_USER),
        FieldSpec("ip", "IP address", group=_USER, max_length=80, placeholder="10.20.0.15, or next:POOL"),
    ]  # fmt: skip


def address_choices(found: ConvertSuggestion, package: str) -> tuple[tuple[str, str], ...]:
    """How a customer of this package may get an address, the usual way first."""
    chosen = next((p for p in found.packages if p.name == package), None)
    drawn = ((NEXT, f"next free of the pool {one_line(chosen.pool)}"),) if chosen is not None and chosen.pool else ()
    typed = ((TYPED, "typed below"),)
    if chosen is None or chosen.addressing == "dynamic":
        return ((DYNAMIC, "dynamic, by the profile"), *drawn, *typed)
    kept = ((KEPT, f"{found.address}, as it has"),) if found.address else ()
    return (*kept, *drawn, *typed)


def _router_label(name: str, identity: str | None, last_error: str | None) -> str:
    if last_error:
        return f"{name} (did not answer last time)"
    return f"{name} (says {identity})" if identity and identity != name else name


def values_for(found: ConvertSuggestion) -> dict[str, str]:
    """What the form begins with: everything suggested; the tick is set where a user can be made at once."""
    values = {"type": found.types[0], "username": found.username, "password": found.password.reveal()}
    if found.duplicate_customers:
        values["customer"] = str(found.duplicate_customers[0].id)
    if found.makes_router_user:
        router = found.router or ""
        services = {r.name: r.service for r in found.routers}
        values |= {
            "router_user": "yes" if found.routers and found.profile else "", "router": router,
            "package": found.package or "", "service": services.get(router, "pppoe"),
            "address": address_choices(found, found.package or "")[0][0],
        }  # fmt: skip
    return values


def rules_for(found: ConvertSuggestion) -> Callable[[dict[str, str]], Mapping[str, FieldState]]:
    """The router's fields show when the tick is set; a new customer's type only when none is linked."""
    keys = {spec.key for spec in specs_for(found)}

    def rules(values: dict[str, str]) -> Mapping[str, FieldState]:
        ticked, linked = bool(values.get("router_user")), bool(values.get("customer"))
        states = {key: FieldState(ticked, ticked) for key in ROUTER_FIELDS if key in keys}
        if "ip" in keys:
            is_typed = ticked and values.get("address") == TYPED
            states["ip"] = FieldState(is_typed, is_typed)
        if "type" in keys:
            states["type"] = FieldState(not linked, not linked)
        return states

    return rules


def request_of(values: Mapping[str, str], *, link: str | None = None) -> ConvertRequest:
    """What the form asks for. `link`: a customer chosen elsewhere, where the form has no field for it."""
    from leadtui.router.port import Secret
    from leadtui.services.conversion import ConvertRequest, RouterRequest

    def text(key: str) -> str | None:
        return values.get(key, "").strip() or None

    router = None
    if values.get("router_user"):
        password = values.get("password", "")
        router = RouterRequest(
            text("router") or "", text("username"), Secret(password) if password else None, text("service"),
            text("package"), {TYPED: text("ip"), NEXT: NEXT}.get(values.get("address", "")),
        )  # fmt: skip
    return ConvertRequest(
        notes=text("notes"), type=text("type"), pan=text("pan"), aadhar=text("aadhar"), gst=text("gst"),
        family_group=text("family_group"), customer_id=text("customer") or (link if "customer" not in values else None),
        router=router,
    )  # fmt: skip
