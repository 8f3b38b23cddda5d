"""Who loads what, and what never shows a secret."""

from __future__ import annotations

import copy
import dataclasses
import pickle
import subprocess
import sys
from pathlib import Path

import pytest

import leadtui.router
from leadtui.router.dialect import Version, address_or_none, pool_size, router_time, trap_kind
from leadtui.router.port import RouterAddress, RouterFault, Secret

ROOM = Path(leadtui.router.__file__).parent


def loaded_by(module: str) -> set[str]:
    code = f"import sys, {module}; print(*sorted(sys.modules))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    return set(out.stdout.split())


@pytest.mark.parametrize("module", ["leadtui.router.port", "leadtui.router.credentials"])
def test_the_port_is_cheap(module):
    heavy = {"librouteros", "cryptography", "ssl", "socket", "asyncio", "anyascii", "sqlalchemy", "textual", "typer"}
    assert not loaded_by(module) & heavy


def test_the_training_router_needs_no_client_library():
    assert not loaded_by("leadtui.router.simulator") & {"librouteros", "cryptography", "textual", "sqlalchemy"}


def test_one_importer_of_the_library():
    importers = {p.name for p in ROOM.rglob("*.py") if "librouteros" in p.read_text(encoding="utf-8")}
    assert importers == {"mikrotik.py"}


def test_a_secret_never_shows_itself():
    secret = Secret("hunter22")
    address = RouterAddress("10.0.0.1", 8728, "admin", secret)
    for text in (
        repr(secret),
        str(secret),
        f"{secret}",
        f"{secret!r}",
        repr(address),
        repr(dataclasses.asdict(address)),
    ):
        assert "hunter22" not in text
    with pytest.raises(TypeError):
        pickle.dumps(address)
    assert copy.deepcopy(address) == address
    assert secret == Secret("hunter22") != Secret("other")
    assert len({secret, Secret("hunter22")}) == 1
    assert not Secret("")
    assert address.label == "10.0.0.1:8728"


def test_every_fault_has_its_own_stable_code():
    def kinds(of: type[RouterFault]) -> list[type[RouterFault]]:
        return [kind for sub in of.__subclasses__() for kind in (sub, *kinds(sub))]

    codes = [kind.code for kind in kinds(RouterFault)]
    assert len(set(codes)) == len(codes) == 14
    assert all(kind.exit_code == 6 for kind in kinds(RouterFault))


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("7.18.2 (stable)", Version(7, 18, 2)),
        ("6.49", Version(6, 49)),
        ("7.24beta1", Version(7, 24)),
        ("", Version(0)),
        ("no", Version(0)),
    ],
)
def test_versions(text, version):
    assert Version.parse(text) == version


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2025-11-20 14:03:00", "2025-11-20 14:03:00"),
        ("jan/02/2006 15:04:05", "2006-01-02 15:04:05"),
        ("jan/01/1970 00:00:00", None),
        ("1970-01-01 00:00:00", None),
        ("xyz/01/2006 15:04:05", None),
        ("never", None),
        (None, None),
    ],
)
def test_router_times(text, moment):
    assert router_time(text) == moment


@pytest.mark.parametrize(
    ("ranges", "size"),
    [
        ("10.0.0.2-10.0.0.254", 253),
        ("10.0.0.1", 1),
        ("10.0.0.0/24,10.1.0.1", 257),
        ("x", 0),
        ("", 0),
        ("10.0.0.9-10.0.0.1", 0),
    ],
)
def test_pool_sizes(ranges, size):
    assert pool_size(ranges) == size


def test_addresses():
    unset = (None, "", "0.0.0.0")  # noqa: S104 - the router's word for "none"
    assert [address_or_none(value) for value in unset] == [None] * 3
    assert [address_or_none(value) for value in ("10.0.0.1", "odd")] == ["10.0.0.1", "odd"]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("failure: secret with the same name already exists", "duplicate"),
        ("failure: pool with such name exists", "duplicate"),
        ("failure: already have user with this name for this server", "duplicate"),
        ("not enough permissions (9)", "permission"),
        ("no such command prefix", "no_menu"),
        ("no such item", "no_item"),
        ("input does not match any value of profile", "no_profile"),
        ("something else", "other"),
    ],
)
def test_the_meaning_of_traps(text, kind):
    assert trap_kind(text) == kind
