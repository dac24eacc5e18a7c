"""Servers of git repositories on loopback: https with names and passwords, and ssh.

The first uses git's own http-backend, and answers as a Git LFS server; the second is OpenSSH.
"""

import base64
import contextlib
import functools
import json
import os
import shutil
import ssl
import subprocess
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple

import trustme

from tests.free_ports import free_port
from tests.waits import describe_end, wait_until

USER, TOKEN = "ada", "t0ken-of-ada"
_BACKEND = Path("/usr/lib/git-core/git-http-backend")


class Request(NamedTuple):
    """A request: the path with its query, and its credential."""

    path: str
    authorization: str | None


class HttpsRepositories:
    """The repositories below `root`, over https; those of `guarded` need USER and TOKEN."""

    def __init__(self, root: Path, authority: trustme.CA, *, protocol: str = "") -> None:
        self.root = root
        self.guarded = True
        self.guarded_paths: list[str] = []
        self.requests: list[Request] = []
        self.sent = 0
        self.redirects: dict[str, str] = {}
        self.redirects_later: dict[str, str] = {}
        self.large: dict[str, bytes] = {}
        self.large_at = ""
        self.protocol = protocol
        self.cut_after: int | None = None
        """How many bytes of an answer come before its connection ends."""
        self.hang = threading.Event()
        self._server = ThreadingHTTPServer(
            ("127.0.0.1", free_port()), type("Handler", (_Handler,), {"world": self})
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("127.0.0.1", "localhost", "library.example").configure_cert(context)
        self._server.socket = context.wrap_socket(
            self._server.socket, server_side=True, do_handshake_on_connect=False
        )
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    def url(self, path: str, host: str = "127.0.0.1") -> str:
        return f"https://{host}:{self.port}/{path}"

    @property
    def shown(self) -> set[str]:
        """Every user and password that was sent here."""
        return {
            base64.b64decode(request.authorization.removeprefix("Basic ")).decode()
            for request in self.requests
            if request.authorization
        }

    def stop(self) -> None:
        self.hang.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    """Answers for `world`, which a subclass names."""

    world: HttpsRepositories
    protocol_version = "HTTP/1.0"

    def do_GET(self) -> None:
        self._answer(b"")

    def do_POST(self) -> None:
        self._answer(self._body())

    def log_message(self, format: str, *args: object) -> None:
        pass

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def _answer(self, body: bytes) -> None:
        path, _, query = self.path.partition("?")
        shown = self.headers.get("Authorization")
        self.world.requests.append(Request(self.path, shown))
        if self._leads_on(self.world.redirects, body):
            return
        expected = "Basic " + base64.b64encode(f"{USER}:{TOKEN}".encode()).decode()
        guarded = self.world.guarded or any(
            path.startswith(one) for one in self.world.guarded_paths
        )
        if guarded and shown != expected:
            self._respond(401, {"WWW-Authenticate": 'Basic realm="git"'}, b"")
        elif self._leads_on(self.world.redirects_later, body):
            return
        elif "/hang/" in path:
            self.world.hang.wait()
        elif path.endswith("/objects/batch"):
            self._send_large(body)
        elif path.startswith("/large/"):
            self._respond(200, {}, self.world.large[path.removeprefix("/large/")])
        elif "/dumb/" in path:
            self._give_file(path.replace("/dumb/", "/"))
        else:
            self._run_backend(path, query, body)

    def _leads_on(self, redirects: Mapping[str, str], body: bytes) -> bool:
        """Redirect by `redirects`, from prefixes of addresses; return whether it does."""
        for beginning, target in redirects.items():
            if self.path.partition("?")[0].startswith(beginning):
                where = target + self.path.removeprefix(beginning)
                self._respond(307 if body else 302, {"Location": where}, b"")
                return True
        return False

    def _give_file(self, path: str) -> None:
        file = self.world.root / path.lstrip("/")
        if file.is_file():
            self._respond(200, {}, file.read_bytes())
        else:
            self._respond(404, {}, b"")

    def _send_large(self, body: bytes) -> None:
        objects = []
        for wanted in json.loads(body)["objects"]:
            if (oid := wanted["oid"]) in self.world.large:
                action = {"href": (self.world.large_at or self.world.url("large/")) + oid}
                objects.append({**wanted, "actions": {"download": action}})
            else:
                problem = {"code": 404, "message": "Object does not exist"}
                objects.append({**wanted, "error": problem})
        answer = json.dumps({"transfer": "basic", "objects": objects}).encode()
        self._respond(200, {"Content-Type": "application/vnd.git-lfs+json"}, answer)

    def _run_backend(self, path: str, query: str, body: bytes) -> None:
        environ = {
            "PATH": os.environ["PATH"],
            "GIT_PROJECT_ROOT": str(self.world.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "safe.directory",
            "GIT_CONFIG_VALUE_0": "*",
            "REQUEST_METHOD": self.command,
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "CONTENT_TYPE": self.headers.get("Content-Type") or "",
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding") or "",
            "GIT_PROTOCOL": self.world.protocol or self.headers.get("Git-Protocol") or "",
        }
        done = subprocess.run(
            [str(_BACKEND)], input=body, env=environ, capture_output=True, check=False
        )
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        fields = dict(line.split(": ", 1) for line in head.decode().splitlines())
        self._respond(int(fields.pop("Status", "200").split()[0]), fields, content)

    def _respond(self, status: int, fields: Mapping[str, str], content: bytes) -> None:
        self.world.sent += len(content)
        self.send_response(status)
        for name, value in fields.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        with contextlib.suppress(OSError):
            self.wfile.write(content[: self.world.cut_after])


class SshRepositories(NamedTuple):
    """Repositories of this machine over ssh, for a client with the key."""

    port: int
    private_key: str
    known_hosts: str
    log: Path

    def url(self, path: Path) -> str:
        return f"ssh://root@127.0.0.1:{self.port}{path}"


@contextlib.contextmanager
def serve_ssh(folder: Path, commands: Path) -> Iterator[SshRepositories]:
    """Run a sshd with its own host key and client's key; `commands` is on its PATH, too."""
    folder.mkdir(mode=0o700)
    host, client = _make_key(folder / "host"), _make_key(folder / "client")
    allowed = folder / "authorized_keys"
    allowed.write_text(client.with_suffix(".pub").read_text())
    port = free_port()
    options = {
        "Port": port,
        "ListenAddress": "127.0.0.1",
        "HostKey": host,
        "PidFile": "none",
        "AuthorizedKeysFile": allowed,
        "StrictModes": "no",
        "UsePAM": "no",
        "PasswordAuthentication": "no",
        "KbdInteractiveAuthentication": "no",
        "PermitRootLogin": "prohibit-password",
        "PerSourcePenalties": "no",
        "SetEnv": f"PATH={commands}:{os.environ['PATH']}",
    }
    config, log = folder / "sshd_config", folder / "log"
    config.write_text("".join(f"{name} {value}\n" for name, value in options.items()))
    # sshd refuses to run without the folder that its unit makes.
    Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    program = shutil.which("sshd") or "/usr/sbin/sshd"
    process = subprocess.Popen([program, "-D", "-f", str(config), "-E", str(log)])
    try:
        over = functools.partial(describe_end, process, log)
        wait_until(lambda: "listening" in _read(log), "sshd listens", over=over)
        public = host.with_suffix(".pub").read_text()
        known = f"[127.0.0.1]:{port} {public}"
        yield SshRepositories(port, client.read_text(), known, log)
    finally:
        process.terminate()
        process.wait()


def _make_key(path: Path) -> Path:
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "test", "-f", str(path)]
    subprocess.run(command, check=True)
    return path


def _read(log: Path) -> str:
    return log.read_text().lower() if log.exists() else ""
