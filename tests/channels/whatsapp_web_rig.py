"""A WhatsApp Web of our own: a display without a screen, a real browser, and a server that answers in its name.

Nothing is patched: only environment variables lead pywhatkit, requests and Chromium here (facts/messaging §1.5). A
proxy lets through nothing but the two hosts it plays.
"""

from __future__ import annotations

import base64
import hashlib
import http.server
import json
import os
import select
import shutil
import socket
import socketserver
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

HOSTS = ("web.whatsapp.com", "google.com", "www.google.com")

PAGE = """<!doctype html><meta charset="utf-8"><title>chat</title><body style="font-size:40px">MODE
<script>
const mode = "MODE", wanted = new URLSearchParams(location.search);
const tell = (what) => fetch("/told", {method: "POST", body: JSON.stringify(what)});
let ready = mode === "linked";
tell({event: "opened", phone: wanted.get("phone"), text: wanted.get("text")});
document.addEventListener("keydown", (key) => {
  if (key.key !== "Enter" || key.ctrlKey) return;
  tell(ready ? {event: "sent", phone: wanted.get("phone"), text: wanted.get("text")} : {event: "enter", mode: mode});
  ready = false;
});
</script>"""


@dataclass
class Rig:
    """What the server was told, and where the browser is led."""

    display: str
    browser: str
    environment: dict[str, str]
    mode: str = "linked"
    told: list[dict[str, Any]] = field(default_factory=list)
    news: threading.Condition = field(default_factory=threading.Condition)

    def events(self, name: str) -> list[dict[str, Any]]:
        """What of that kind was told."""
        with self.news:
            return [one for one in self.told if one["event"] == name]

    def wait_for(self, name: str, seconds: float = 20) -> dict[str, Any]:
        """The first of that kind, as soon as it is there."""
        with self.news:
            assert self.news.wait_for(lambda: any(one["event"] == name for one in self.told), seconds), self.told
        return self.events(name)[0]


def missing() -> str:
    """What this machine lacks for it; nothing when all is there."""
    import importlib.util

    lacking = [name for name in ("Xvfb", "chromium") if shutil.which(name) is None]
    lacking += [name for name in ("pywhatkit",) if importlib.util.find_spec(name) is None]
    return ", ".join(lacking)


@contextmanager
def rig(folder: Path, mode: str = "linked") -> Iterator[Rig]:
    """Everything at work, and nothing left behind."""
    key, pin = _certificate(folder)
    with _display(folder) as display:
        made = Rig(display, "", {}, mode)
        server = _serve(made, key)
        proxy = _proxy(server.server_address[1])
        wrapper = folder / "browser.sh"
        options = (
            "--no-sandbox --disable-gpu --disable-quic --no-first-run --no-default-browser-check --disable-sync "
            "--disable-background-networking --disable-component-update --disable-dev-shm-usage "
            f"--proxy-server=127.0.0.1:{proxy.server_address[1]} --user-data-dir={folder / 'profile'} "
            f"--ignore-certificate-errors-spki-list={pin} --window-size=1280,900 --window-position=0,0"
        )
        wrapper.write_text(f'#!/bin/sh\necho $$ >> {folder}/browsers\nexec chromium {options} "$@" >/dev/null 2>&1\n')
        wrapper.chmod(0o755)
        made.browser = str(wrapper)
        made.environment = {
            "DISPLAY": display, "XAUTHORITY": str(folder / "xauthority"), "HOME": str(folder),
            "HTTPS_PROXY": f"http://127.0.0.1:{proxy.server_address[1]}", "NO_PROXY": "",
            "REQUESTS_CA_BUNDLE": str(folder / "certificate.pem"),
        }  # fmt: skip
        try:
            _warm(made)
            yield made
        finally:
            _end_browsers(folder)
            for one in (server, proxy):
                one.shutdown()
                one.server_close()


@contextmanager
def _display(folder: Path) -> Iterator[str]:
    (folder / "xauthority").touch()
    read, write = os.pipe()
    command = ["Xvfb", "-displayfd", str(write), "-screen", "0", "1280x900x24", "-nolisten", "tcp"]
    screen = subprocess.Popen(command, pass_fds=[write], stderr=subprocess.DEVNULL)
    os.close(write)
    try:
        ready, _, _ = select.select([read], [], [], 20)
        assert ready, "no virtual display"
        yield ":" + os.read(read, 20).decode().strip()
    finally:
        os.close(read)
        screen.terminate()
        screen.wait(10)


def _warm(made: Rig) -> None:
    """The browser runs before anything is sent, as an agent's does: how long it takes to start proves nothing."""
    subprocess.Popen([made.browser, "https://google.com/warm"], env=os.environ | made.environment)
    made.wait_for("warm", 60)


def _end_browsers(folder: Path) -> None:
    with suppress(OSError):
        for pid in (folder / "browsers").read_text().split():
            with suppress(ProcessLookupError, ValueError):
                os.kill(int(pid), 9)
    subprocess.run(["pkill", "-9", "-f", str(folder / "profile")], check=False)


def _certificate(folder: Path) -> tuple[Path, str]:
    """A key with its certificate in one file, and the pin Chromium is told to believe."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "leadtui test")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=30))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host) for host in HOSTS]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    public = certificate.public_bytes(serialization.Encoding.PEM)
    (folder / "certificate.pem").write_bytes(public)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    both = folder / "server.pem"
    both.write_bytes(private + public)
    spki = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return both, base64.b64encode(hashlib.sha256(spki).digest()).decode()


def _serve(made: Rig, key: Path) -> http.server.ThreadingHTTPServer:
    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/warm":
                with made.news:
                    made.told.append({"event": "warm"})
                    made.news.notify_all()
            down = made.mode == "down" and self.path.startswith("/send")
            body = b"ok" if not self.path.startswith("/send") else PAGE.replace("MODE", made.mode).encode()
            self._say(503 if down else 200, b"down" if down else body)

        def do_POST(self) -> None:
            told = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            with made.news:
                made.told.append(told)
                made.news.notify_all()
            self._say(200, b"{}")

        def _say(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            with suppress(OSError):
                self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing on the terminal."""

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(key)

    class Server(http.server.ThreadingHTTPServer):
        daemon_threads = True

        def finish_request(self, request: Any, client_address: Any) -> None:
            with suppress(OSError), context.wrap_socket(request, server_side=True) as safe:
                super().finish_request(safe, client_address)

        def handle_error(self, request: Any, client_address: Any) -> None:
            """A browser that goes away is no error."""

    server = Server(("127.0.0.1", 0), Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def _proxy(port: int) -> socketserver.ThreadingTCPServer:
    class Through(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            head = b""
            while b"\r\n\r\n" not in head:
                part = self.request.recv(4096)
                if not part:
                    return
                head += part
            method, target, _ = head.split(b"\r\n", 1)[0].decode("latin-1").split(" ", 2)
            if method != "CONNECT" or target.rpartition(":")[0] not in HOSTS:
                self.request.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
                return
            with socket.create_connection(("127.0.0.1", port), 10) as there:
                self.request.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
                pair = {self.request: there, there: self.request}
                while True:
                    for one in select.select(list(pair), [], [], 60)[0]:
                        with suppress(OSError):
                            data = one.recv(65536)
                            if not data:
                                return
                            pair[one].sendall(data)

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        allow_reuse_address = True

        def handle_error(self, request: Any, client_address: Any) -> None:
            """As above."""

    server = Server(("127.0.0.1", 0), Through)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server
