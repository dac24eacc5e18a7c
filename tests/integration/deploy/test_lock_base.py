"""`make lock-base`: the digest of the images' base, from a registry."""

import hashlib
import http.client
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fakes.registry import OwnRegistry, own_registry

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parents[3]
OF_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OF_INDEX = "application/vnd.oci.image.index.v1+json"
NAME = "library/debian"


def digest_of(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def send(registry: OwnRegistry, method: str, path: str, kind: str, data: bytes) -> str:
    """Send a request; return the Location of the answer."""
    connection = http.client.HTTPConnection("127.0.0.1", registry.port, timeout=30)
    connection.request(method, path, data, {"Content-Type": kind})
    answer = connection.getresponse()
    assert answer.status in (201, 202), answer.read()
    place = answer.getheader("Location", "")
    connection.close()
    return place.partition(registry.address)[2]


def push(registry: OwnRegistry, content: bytes) -> str:
    """Give the tag 13-slim to an image for two platforms; return its digest."""
    place = send(registry, "POST", f"/v2/{NAME}/blobs/uploads/", "", b"")
    config = b'{"architecture": "amd64", "os": "linux", "author": "%s"}' % content
    kind = "application/octet-stream"
    send(registry, "PUT", f"{place}&digest={digest_of(config)}", kind, config)
    blob = {"mediaType": "application/vnd.oci.image.config.v1+json", "size": len(config)}
    manifest = {"schemaVersion": 2, "mediaType": OF_MANIFEST, "layers": []}
    data = json.dumps({**manifest, "config": {**blob, "digest": digest_of(config)}}).encode()
    send(registry, "PUT", f"/v2/{NAME}/manifests/{digest_of(data)}", OF_MANIFEST, data)
    entry = {"mediaType": OF_MANIFEST, "size": len(data), "digest": digest_of(data)}
    platforms = [{"os": "linux", "architecture": one} for one in ("amd64", "arm64")]
    entries = [{**entry, "platform": one} for one in platforms]
    index = {"schemaVersion": 2, "mediaType": OF_INDEX, "manifests": entries}
    data = json.dumps(index).encode()
    send(registry, "PUT", f"/v2/{NAME}/manifests/13-slim", OF_INDEX, data)
    return digest_of(data)


def lock_base(tree: Path) -> "subprocess.CompletedProcess[str]":
    """Run make's target in a tree, with the Python of the tests."""
    installed = Path(sys.prefix) / ".installed"
    command = ["make", "--old-file", str(installed), f"VENV={sys.prefix}", "lock-base"]
    return subprocess.run(
        command, cwd=tree, capture_output=True, text=True, timeout=120, check=False
    )


def test_the_digest_is_that_of_the_registry_and_a_registry_that_is_away_changes_nothing(
    tmp_path: Path, free_port: Callable[[], int]
) -> None:
    tree = tmp_path / "tree"
    for part in ("locks", "deploy"):
        shutil.copytree(ROOT / part, tree / part)
    shutil.copy(ROOT / "Makefile", tree)
    dockerfile = tree / "deploy" / "Dockerfile"
    with own_registry(tmp_path / "registry", free_port()) as registry:
        base = f"{registry.address}/{NAME}:13-slim"
        before = dockerfile.read_text().replace("ARG BASE=debian:13-slim", f"ARG BASE={base}")
        dockerfile.write_text(before)
        pinned = []
        for content in (b"first", b"second"):
            digest = push(registry, content)
            done = lock_base(tree)
            assert done.returncode == 0, done.stderr
            assert f"{base}@{digest}" in done.stdout
            pinned.append(f"ARG BASE={base}@{digest}\n")
            assert dockerfile.read_text() == before.replace(f"ARG BASE={base}\n", pinned[-1])
    assert pinned[0] != pinned[1], "the tag has moved, and the digest with it"
    last = dockerfile.read_text()
    done = lock_base(tree)
    assert done.returncode != 0
    assert (
        f"Nothing was written. Run `make lock-base` on a machine with docker buildx that \
reaches {base}."
        in done.stderr
    )
    assert "Traceback" not in done.stderr
    assert dockerfile.read_text() == last
