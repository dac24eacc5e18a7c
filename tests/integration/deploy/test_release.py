"""`make release`: the same bytes each time, and a clean place installs from them alone."""

import hashlib
import os
import subprocess
import sys
import tarfile
from collections.abc import Mapping
from pathlib import Path

import pytest

pytestmark = [pytest.mark.integration, pytest.mark.night, pytest.mark.timeout(1200)]

ROOT = Path(__file__).parents[3]
DIGEST = "from framework import executor_bundle as b; print(b.build().digest)"
PLACES = "import prevs, cli, framework, http_parser as h; print(prevs, cli, framework, h)"


def run(*command: str, cwd: Path, environ: Mapping[str, str] | None = None) -> str:
    """Run a command, and return its output; it has to succeed."""
    done = subprocess.run(
        command, cwd=cwd, env=environ, capture_output=True, text=True, timeout=900, check=False
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def release(folder: Path, **environ: str) -> dict[str, bytes]:
    """Build a release of the commit of this checkout; return its files."""
    command = (sys.executable, "deploy/release.py", str(folder))
    run(*command, cwd=ROOT, environ={**os.environ, "PYTHONPATH": str(ROOT), **environ})
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("release") / "dist"
    release(folder)
    return folder


def test_a_release_of_one_commit_has_the_same_bytes_each_time(dist: Path, tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        again = release(tmp_path / "again", TZ="Pacific/Auckland", PYTHONHASHSEED="7")
    finally:
        os.umask(before)
    first = {path.name: path.read_bytes() for path in dist.iterdir()}
    assert again.keys() == first.keys()
    assert [name for name in first if first[name] != again[name]] == []


def test_a_release_has_what_an_installation_needs_and_a_checksum_of_each(dist: Path) -> None:
    lines = [line.split("  ") for line in (dist / "SHA256SUMS").read_text().splitlines()]
    names = {path.name for path in dist.iterdir()}
    assert {name for _, name in lines} == names - {"SHA256SUMS"}
    for digest, name in lines:
        assert hashlib.sha256((dist / name).read_bytes()).hexdigest() == digest, name
    (wheel,) = dist.glob("prevs-*-py3-none-any.whl")
    version = wheel.name.split("-")[1]
    assert names >= {
        f"prevs-{version}-py3-none-any.whl",
        f"prevs-{version}.tar.gz",
        f"prevs-{version}-libraries.cdx.json",
        f"prevs-{version}-executor.cdx.json",
        f"prevs-executor-{version}.pyz",
        f"prevs-images-{version}.tar.gz",
        "libraries.txt",
        "build.txt",
        "install.sh",
    }
    with tarfile.open(dist / f"prevs-images-{version}.tar.gz") as context:
        found = set(context.getnames())
    assert found >= {"deploy/Dockerfile", "setup.cfg", "locks/install.sh", "proxy/__main__.py"}
    assert not [name for name in found if "__pycache__" in name or ".egg-info" in name]
    with tarfile.open(dist / f"prevs-{version}.tar.gz") as sources:
        found = {name.split("/", 1)[1] for name in sources.getnames() if "/" in name}
    assert found >= {"cli/entry.py", "locks/install.sh", "provision/systemd/prevs-proxy.service"}
    assert "third_party/http-parser/http_parser/http.py" in found


def test_a_clean_place_installs_from_a_release_alone(dist: Path, tmp_path: Path) -> None:
    run(sys.executable, "-m", "venv", str(tmp_path / "venv"), cwd=tmp_path)
    binaries = tmp_path / "venv" / "bin"
    python = str(binaries / "python")
    own = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}

    def told(*command: str) -> str:
        return run(*command, cwd=tmp_path, environ=own)

    assert "No broken requirements" in told(str(dist / "install.sh"), python, "--no-compile")
    assert str(ROOT) not in told(python, "-c", PLACES)
    assert told(str(binaries / "prevs"), "--version").startswith("prevs ")
    assert "Usage: prevs" in told(str(binaries / "prevs"), "--help")
    assert "usage:" in told(python, "-m", "framework", "--help").lower()
    # Its frameworks serve agents the very executor that the release has.
    (executor,) = dist.glob("prevs-executor-*.pyz")
    assert told(python, "-c", DIGEST).strip() == hashlib.sha256(executor.read_bytes()).hexdigest()


def test_a_file_of_a_release_that_was_changed_is_not_installed(dist: Path, tmp_path: Path) -> None:
    copy = tmp_path / "dist"
    copy.mkdir()
    for path in dist.iterdir():
        (copy / path.name).write_bytes(path.read_bytes())
    (wheel,) = copy.glob("prevs-*.whl")
    wheel.write_bytes(wheel.read_bytes() + b"\0")
    command = ["sh", str(copy / "install.sh"), sys.executable]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert f"{wheel.name}: FAILED" in done.stdout + done.stderr
