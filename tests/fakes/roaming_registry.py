"""A registry that sends docker elsewhere: run as a program in a network of its own.

The first part of a repository's name says what it does; TARGET is the host and port to which it
sends docker, by plain HTTP.

    manifest  its manifests are at TARGET
    blob      its layers are at TARGET
    good      it has all itself

`python roaming_registry.py FOLDER TARGET` listens at all addresses: at PORT; at REALM, where the
token service of all repositories is at TARGET; both with the certificate FOLDER/registry.pem; and
at PLAIN without one. It writes a line for each request into FOLDER/registry-log: its path and its
Authorization. TARGET is for repositories like blob/x; the name after it may say another one, as
blob/203.0.113.1-5001-x does.
"""

import functools
import gzip
import hashlib
import http.server
import io
import json
import ssl
import sys
import tarfile
import threading
from pathlib import Path
from typing import ClassVar

PORT, PLAIN, REALM = 5000, 5001, 5002

_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
_LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"
_CONFIG = "application/vnd.docker.container.image.v1+json"


def _make_layer(text: bytes) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        file = tarfile.TarInfo("name")
        file.size = len(text)
        archive.addfile(file, io.BytesIO(text))
    return packed.getvalue()


def _digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


@functools.cache
def _make_image(name: str) -> tuple[bytes, dict[str, bytes]]:
    """Return the manifest of an image with one file, and its blobs: of each name another one."""
    layer = _make_layer(name.encode())
    packed = gzip.compress(layer, mtime=0)
    config = json.dumps(
        {
            "architecture": "amd64",
            "os": "linux",
            "config": {},
            "rootfs": {"type": "layers", "diff_ids": [_digest(layer)]},
        }
    ).encode()
    manifest = {
        "schemaVersion": 2,
        "mediaType": _MANIFEST,
        "config": {"mediaType": _CONFIG, "size": len(config), "digest": _digest(config)},
        "layers": [{"mediaType": _LAYER, "size": len(packed), "digest": _digest(packed)}],
    }
    blobs = {_digest(one): one for one in (config, packed)}
    return json.dumps(manifest).encode(), blobs


class Registry(http.server.BaseHTTPRequestHandler):
    """Answers as the repository's name says."""

    protocol_version = "HTTP/1.1"
    log = Path()
    target = ""

    def do_GET(self) -> None:
        """Answer; HEAD gets the same without a body."""
        authorization = self.headers.get("Authorization", "-")
        with self.log.open("a") as log:
            log.write(f"{self.path} {authorization}\n")
        if self.connection.getsockname()[1] == REALM and authorization == "-":
            challenge = f'Bearer realm="http://{self.target}/token?a=b",service="x"'
            self._answer(401, b"{}", ("WWW-Authenticate", challenge))
            return
        if self.path == "/v2/":
            self._answer(200, b"{}")
            return
        _, _, kind, name, what, version = self.path.split("?")[0].split("/")
        target = ":".join(name.split("-")[:2]) if "-" in name else self.target
        elsewhere = f"http://{target}/v2/good/{name}/{what}/{version}"
        manifest, blobs = _make_image(name)
        is_manifest = what == "manifests"
        if (kind, is_manifest) in (("manifest", True), ("blob", False)):
            self._answer(307, b"", ("Location", elsewhere))
        elif is_manifest:
            self._answer(
                200,
                manifest,
                ("Content-Type", _MANIFEST),
                ("Docker-Content-Digest", _digest(manifest)),
            )
        elif version in blobs:
            self._answer(200, blobs[version], ("Content-Type", "application/octet-stream"))
        else:
            self._answer(404, b"{}")

    do_HEAD = do_GET

    def _answer(self, status: int, body: bytes, *headers: tuple[str, str]) -> None:
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Print nothing."""


class Listener(http.server.BaseHTTPRequestHandler):
    """A service that answers everything with a token, as metadata services do."""

    heard: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        """Note the request."""
        self.heard.append(self.path)
        body = json.dumps({"Token": "secret-of-the-agent"}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_HEAD = do_GET

    def log_message(self, format: str, *args: object) -> None:
        """Print nothing."""


def main() -> None:
    """Serve until killed."""
    folder, Registry.target = Path(sys.argv[1]), sys.argv[2]
    Registry.log = folder / "registry-log"
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "registry.pem")
    for port in (PORT, REALM):
        server = http.server.ThreadingHTTPServer(("0.0.0.0", port), Registry)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
    http.server.ThreadingHTTPServer(("0.0.0.0", PLAIN), Registry).serve_forever()


if __name__ == "__main__":
    main()
