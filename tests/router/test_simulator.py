"""The training router as a peer on the wire: ids, refusals, queries, dialects, references, and its memory."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

from leadtui.errors import Refused
from leadtui.router import open_router, wire
from leadtui.router.simulator import Simulator, run_simulator
from leadtui.router.simulator.menus import Trap, duration
from leadtui.router.simulator.query import QueryError, matches


class RawClient:
    """Says words and hears sentences, with nothing in between."""

    def __init__(self, router: Simulator) -> None:
        self.sock = socket.create_connection((router.host, router.port), timeout=10)
        self.file = self.sock.makefile("rb")

    def send(self, *words: str) -> None:
        self.sock.sendall(wire.encode_sentence(map(wire.to_bytes, words)))

    def hear(self) -> list[str]:
        def read(length: int) -> bytes:
            data = self.file.read(length)
            if len(data) < length:
                raise EOFError
            return data

        return [wire.to_text(word) for word in wire.read_sentence(read)]

    def ask(self, *words: str) -> list[list[str]]:
        self.send(*words)
        out = [self.hear()]
        while out[-1][0] not in ("!done", "!fatal"):
            out.append(self.hear())
        return out

    def close(self) -> None:
        self.file.close()
        self.sock.close()


@pytest.fixture
def raw(router: Simulator) -> Iterator[RawClient]:
    client = RawClient(router)
    assert client.ask("/login", "=name=admin", "=password=admin") == [["!done"]]
    yield client
    client.close()


def login(router: Simulator) -> RawClient:
    client = RawClient(router)
    client.ask("/login", "=name=admin", "=password=admin")
    return client


def said(answer: list[list[str]]) -> list[str]:
    return [word for sentence in answer for word in sentence if word.startswith("=message=")]


def test_ids_are_hexadecimal_and_never_used_again(raw):
    ids = [raw.ask("/ppp/secret/add", f"=name=u{n}")[0][1] for n in range(8)]
    assert ids == [f"=ret=*{n:X}" for n in range(4, 12)]
    raw.ask("/ppp/secret/remove", "=.id=*B")
    assert raw.ask("/ppp/secret/add", "=name=again") == [["!done", "=ret=*C"]]


@pytest.mark.parametrize(
    ("words", "message", "category"),
    [
        (("/ppp/secret/add", "=name=jane.w"), "failure: secret with the same name already exists", None),
        (("/ip/pool/add", "=name=pppoe-wl", "=ranges=10.1.0.1"), "failure: pool with such name exists", None),
        (("/ppp/profile/add", "=name=20M"), "failure: profile with the same name already exists", None),
        (
            ("/ip/hotspot/user/add", "=name=default-trial"),
            "failure: already have user with this name for this server",
            None,
        ),
        (("/ppp/secret/add", "=name=x", "=profile=15M"), "input does not match any value of profile", 1),
        (
            ("/ppp/secret/add", "=name=x", "=profile=default-"),
            "",
            None,
        ),
        (
            ("/ppp/secret/add", "=name=x", "=profile=1"),
            "ambiguous value of profile, more than one possible value matches input",
            1,
        ),
        (("/ppp/secret/add", "=name=x", "=service=radio"), "input does not match any value of service", 1),
        (("/ppp/secret/add", "=name=x", "=remote-address="), "invalid value for argument remote-address", 1),
        (("/ppp/secret/add", "=name=x", "=remote-address=pppoe-wl"), "invalid value for argument remote-address", 1),
        (
            ("/ppp/profile/add", "=name=x", "=remote-address=none"),
            "invalid value for argument remote-address:\r",
            1,
        ),
        (
            ("/ip/hotspot/user/add", "=name=x", "=mac-address=zz"),
            "invalid value of mac-address, mac address required",
            1,
        ),
        (("/ip/pool/add", "=name=x", "=ranges=zz"), "value of range expects range of ip addresses", 1),
        (("/ip/pool/add", "=name=x", "=ranges=z-10.0.0.1"), "value of range must have ip address before '-'", 1),
        (("/ip/pool/add", "=name=x", "=ranges=10.0.0.1-z"), "value of range must have ip address after '-'", 1),
        (("/ppp/secret/set", "=.id=*99", "=name=x"), "no such item (4)", 0),
        (("/ppp/secret/remove", "=.id="), "no such item (4)", 0),
        (("/ppp/secret/add", "=name=x", "=colour=red"), "unknown parameter colour", None),
        (("/ip/hotspot/user/profile/add", "=name=x", "=comment=c"), "unknown parameter comment", None),
        (("/ppp/profile/disable", "=.id=*1"), "no such command", 0),
        (("/ppp/active/add", "=name=x"), "no such command", 0),
    ],
)
def test_refusals_in_the_routers_own_words(raw, words, message, category):
    answer = raw.ask(*words)
    assert answer[-1][0] == "!done"
    if not message:  # a prefix that only one profile has is taken for it, as real routers do
        assert answer[0][1].startswith("=ret=")
        return
    assert answer[0][0] == "!trap"
    assert said(answer)[0].startswith(f"=message={message}")
    assert [w for w in answer[0] if w.startswith("=category=")] == (
        [] if category is None else [f"=category={category}"]
    )


@pytest.mark.parametrize(("version", "traps"), [("6.49.10", 1), ("7.18.2", 2)])
def test_an_unknown_menu(make_router, version, traps):
    client = login(make_router(version=version))
    answer = client.ask("/user-manager/user/print")
    assert [sentence[0] for sentence in answer] == ["!trap"] * traps + ["!done"]
    assert said(answer)[-1] == "=message=no such command prefix"
    client.close()


@pytest.mark.parametrize(
    ("version", "kinds"), [("6.49.10", ["!done"]), ("7.9.2", ["!done"]), ("7.18", ["!empty", "!done"])]
)
def test_an_empty_print(make_router, version, kinds):
    client = login(make_router(version=version))
    assert [sentence[0] for sentence in client.ask("/ppp/secret/print", "?name=nobody")] == kinds
    assert client.ask("/ppp/secret/print", "=count-only=", "?name=nobody") == [["!done", "=ret=0"]]
    client.close()


def test_unknown_properties_have_no_name_on_version_6(make_router):
    client = login(make_router(version="6.49.10"))
    assert said(client.ask("/ppp/secret/print", "=colour=")) == ["=message=unknown parameter"]
    client.close()


def test_nothing_works_before_login_and_quit_is_fatal(router):
    client = RawClient(router)
    assert client.ask("/ppp/secret/print") == [["!fatal", "not logged in"]]
    client.close()
    client = login(router)
    assert client.ask("/quit") == [["!fatal", "session terminated on request"]]
    with pytest.raises(EOFError):
        client.hear()
    client.close()


@pytest.mark.parametrize("version", ["6.42.1", "6.44"])
def test_an_unasked_challenge_response_is_no_login(make_router, version):
    client = RawClient(make_router(version=version))
    answer = client.ask("/login", "=name=admin", "=response=00" + "0" * 32)
    assert answer[0][0] == "!trap"
    client.close()


def test_tags_follow_the_reply_word(raw):
    answer = raw.ask("/system/identity/print", ".tag=7")
    assert [sentence[1] for sentence in answer] == [".tag=7", ".tag=7"]


def test_a_proplist_leaves_bare_rows(raw):
    answer = raw.ask("/ppp/secret/print", "=.proplist=comment")
    assert answer == [["!re", "=comment=NOC"], ["!re", "=comment=moved 2023"], ["!re"], ["!done"]]


def test_words_split_by_tcp_anywhere_are_put_together(raw):
    data = wire.encode_sentence([b"/ppp/secret/add", b"=name=split", b"=comment=" + b"x" * 300])
    for byte in data:
        raw.sock.sendall(bytes([byte]))
    assert raw.hear() == ["!done", "=ret=*4"]


def test_values_keep_every_byte(raw, router):
    value = "a=b\r\n\0é\udcff=yes"
    raw.ask("/ppp/secret/add", "=name=odd", f"=comment={value}", f"=password={value}")
    (row,) = [row for row in router.secrets() if row["name"] == "odd"]
    assert (row["comment"], row["password"]) == (value, value)


def test_set_unset_enable_disable_comment_by_id_name_and_list(raw, router):
    for name in ("a", "b"):
        raw.ask("/ppp/secret/add", f"=name={name}", "=remote-address=10.0.0.1")
    raw.ask("/ppp/secret/disable", "=numbers=a,b")
    raw.ask("/ppp/secret/unset", "=.id=a", "=value-name=remote-address")
    raw.ask("/ppp/secret/set", "=.id=b", "=!remote-address=", "=comment=hello")
    raw.ask("/ppp/secret/enable", "=.id=*5")
    rows = {row["name"]: row for row in router.secrets()}
    assert (rows["a"]["disabled"], rows["b"]["disabled"]) == ("true", "false")
    assert "remote-address" not in rows["a"]
    assert "remote-address" not in rows["b"]
    raw.ask("/ppp/secret/comment", "=.id=b", "=comment=")
    assert "comment" not in {row["name"]: row for row in router.secrets()}["b"]


def test_references_follow_a_rename_and_show_the_id_after_removal(raw, router):
    raw.ask("/ppp/secret/add", "=name=ref", "=profile=100M")
    raw.ask("/ppp/profile/set", "=.id=100M", "=name=Fibre 100")
    (row,) = [row for row in router.secrets() if row["name"] == "ref"]
    assert row["profile"] == "Fibre 100"
    raw.ask("/ppp/profile/remove", "=.id=Fibre 100")
    (row,) = [row for row in router.secrets() if row["name"] == "ref"]
    assert row["profile"] == "*4"
    assert said(raw.ask("/ppp/profile/remove", "=.id=*0")) == ["=message=failure: can not remove default entry"]


@pytest.mark.parametrize(
    ("given", "stored"), [("3600", "1h"), ("30d", "4w2d"), ("0", "0s"), ("1h90m", "2h30m"), ("59", "59s")]
)
def test_durations_are_normalised(given, stored):
    assert duration("x", given) == stored
    with pytest.raises(Trap):
        duration("x", "soon")


ROW = {"name": "kamau", "comment": "leadtui:LD-1", "limit": "10", "empty": ""}


@pytest.mark.parametrize(
    ("words", "passes"),
    [
        ([], True),
        (["?name=kamau"], True),
        (["?=name=kamau"], True),
        (["?name=kama"], False),
        (["?name"], True),
        (["?-name"], False),
        (["?-other"], True),
        (["?>comment="], True),
        (["?>empty="], False),
        (["?>other="], False),
        (["?>limit=9"], True),
        (["?<limit=9"], False),
        (["?name=kamau", "?limit=11"], False),
        (["?name=x", "?limit=10", "?#|"], True),
        (["?name=x", "?limit=10", "?#&"], False),
        (["?name=x", "?#!"], True),
        (["?name=kamau", "?limit=11", "?#!", "?#&"], True),
        (["?name=kamau", "?name=x", "?#1"], True),
        (["?name=x", "?name=kamau", "?#.&&"], False),
    ],
)
def test_queries(words, passes):
    assert matches(ROW, words) is passes


@pytest.mark.parametrize("words", [["?"], ["?#&"], ["?name", "?#x"], ["?name", "?#3"], ["?="]])
def test_words_that_are_no_queries(words, raw):
    with pytest.raises(QueryError):
        matches(ROW, words)
    assert raw.ask("/ppp/secret/print", *words)[0][0] == "!trap"


# Memory


def test_the_state_survives_a_restart(tmp_path, wanted):
    file = tmp_path / "deep" / "router.json"
    with Simulator(file) as router, open_router(router.address()) as port:
        port.ensure_user(wanted())
        router.add("/ppp/secret", name=b"\xff".decode("utf-8", "surrogateescape"))
        before = router.secrets()
        router.remove("/ppp/secret", "jane.w")
    with Simulator(file) as router:
        assert router.secrets() == [row for row in before if row["name"] != "jane.w"]
        assert router.add("/ppp/secret", name="next") == "*6"
    assert [entry.name for entry in file.parent.iterdir()] == ["router.json"]
    assert file.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("text", ["", "{}", "[]", "not json", '{"format": 99}'])
def test_a_file_that_is_no_state_is_refused_and_kept(tmp_path, text):
    file = tmp_path / "notes.txt"
    file.write_text(text)
    with pytest.raises(Refused) as refused:
        Simulator(file)
    assert refused.value.field == "state"
    assert file.read_text() == text


KILLED = """
import sys
from pathlib import Path
from leadtui.router.simulator import run_simulator
run_simulator(0, Path(sys.argv[1]), lambda port: print("LISTENING", port, flush=True))
"""


def test_what_was_acknowledged_survives_sigkill(tmp_path):
    file = tmp_path / "router.json"
    process = subprocess.Popen([sys.executable, "-c", KILLED, str(file)], stdout=subprocess.PIPE, text=True)
    try:
        port = int(process.stdout.readline().split()[1])
        client = RawClient(_At(port))
        client.ask("/login", "=name=admin", "=password=admin")
        for number in range(50):
            assert client.ask("/ppp/secret/add", f"=name=u{number}")[0][0] == "!done"
        for number in range(50, 80):
            client.send("/ppp/secret/add", f"=name=u{number}")
        client.hear()
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.wait(10)
        process.stdout.close()
    client.close()
    names = {row["name"] for row in Simulator(file).secrets()}
    assert {f"u{number}" for number in range(51)} <= names


class _At:
    host = "127.0.0.1"

    def __init__(self, port: int) -> None:
        self.port = port


def test_the_entry_for_the_command_line(tmp_path):
    heard, stop = threading.Event(), threading.Event()
    ports: list[int] = []

    def listening(port: int) -> None:
        ports.append(port)
        heard.set()

    thread = threading.Thread(target=run_simulator, args=(0, tmp_path / "r.json", listening), kwargs={"stop": stop})
    thread.start()
    assert heard.wait(10)
    with pytest.raises(Refused) as refused:
        run_simulator(ports[0])
    assert refused.value.field == "port"
    stop.set()
    thread.join(10)
    assert not thread.is_alive()


def test_dialling_in(router, wanted):
    with open_router(router.address()) as port:
        port.ensure_user(wanted())
        assert router.dial_in("kamau.j") == "10.20.0.2"
        port.ensure_user(wanted(ip="10.20.9.9"))
        assert router.dial_in("kamau.j") == "10.20.9.9"
        assert {p.name: p.used for p in port.pools()}["pppoe-wl"] == 2  # the lease of the first session is free again
        port.set_disabled("pppoe", "kamau.j", wanted().tag, True)
    with pytest.raises(Refused):
        router.dial_in("kamau.j")


def test_callers_leave_nothing_behind(router):
    for _ in range(5):
        open_router(router.address()).close()
    router.stop()
    assert router.sessions == 0
    router.stop()
