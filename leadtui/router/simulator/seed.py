"""What a fresh training router holds: a small internet provider's access router with some users of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

_SPEEDS = ("10M", "20M", "50M", "100M")

SEED: Mapping[str, Sequence[Mapping[str, str]]] = {
    "/ip/pool": (
        {"name": "pppoe-wl-2", "ranges": "10.20.1.2-10.20.1.254"},
        {"name": "pppoe-wl", "ranges": "10.20.0.2-10.20.0.254", "next-pool": "pppoe-wl-2"},
        {"name": "hotspot-wl", "ranges": "10.30.0.2-10.30.0.254"},
    ),
    "/ppp/profile": (
        {".id": "*0", "name": "default"},
        {".id": "*FFFFFFFE", "name": "default-encryption", "use-encryption": "yes"},
        # The first figure is the customer's upload (facts/mikrotik, Menus).
        *(
            {
                "name": speed,
                "rate-limit": f"{speed}/{speed}",
                "local-address": "10.20.0.1",
                "remote-address": "pppoe-wl",
                "only-one": "yes",
            }
            for speed in _SPEEDS
        ),
    ),
    "/ip/hotspot/user/profile": (
        {".id": "*0", "name": "default"},
        *({"name": speed, "rate-limit": f"{speed}/{speed}", "address-pool": "hotspot-wl"} for speed in _SPEEDS),
    ),
    # Users that were here before leadtui: nothing may touch them.
    "/ppp/secret": (
        {"name": "office.backup", "password": "kept-by-noc", "service": "pppoe", "profile": "50M", "comment": "NOC"},
        {"name": "jane.w", "password": "old-router", "service": "pppoe", "profile": "20M", "comment": "moved 2023"},
        {"name": "tower7.cam", "password": "tower-cam", "service": "any", "profile": "10M"},
    ),
    "/ip/hotspot/user": ({".id": "*0", "name": "default-trial", "comment": "counters and limits for trial users"},),
    "/ppp/active": (
        {
            "name": "office.backup",
            "service": "pppoe",
            "caller-id": "4C:5E:0C:11:22:33",
            "address": "10.20.0.254",
            "uptime": "3d4h12m",
        },
        {
            "name": "jane.w",
            "service": "pppoe",
            "caller-id": "4C:5E:0C:44:55:66",
            "address": "10.20.0.253",
            "uptime": "7h3m9s",
        },
    ),
    "/ip/pool/used": (
        {"pool": "pppoe-wl", "address": "10.20.0.254", "owner": "PPPoE", "info": "office.backup"},
        {"pool": "pppoe-wl", "address": "10.20.0.253", "owner": "PPPoE", "info": "jane.w"},
    ),
}
