"""Mesos is downloaded and built once, and only the file that was expected."""

import hashlib
import json
import os
import subprocess
import tarfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from local.errors import LocalError
from local.mesos.download import Index, Package, download
from local.mesos.installation import Installation, find, install
from tests.free_ports import free_port
from tests.serving import serving_folder

pytestmark = pytest.mark.integration


@pytest.fixture
def index(tmp_path: Path) -> Iterator[str]:
    """A package index with one package, x 1, whose member is 1 MB."""
    files = tmp_path / "index" / "x"
    files.mkdir(parents=True)
    (tmp_path / "inner").write_bytes(b"m" * 1_000_000)
    with tarfile.open(files / "x-1.tar.gz", "w:gz") as tar:
        tar.add(tmp_path / "inner", "./lib/x.so")
    (files / "index.html").write_text('<a href="x-1.tar.gz#sha256=0">x-1.tar.gz</a>')
    with serving_folder(tmp_path / "index") as port:
        yield f"http://127.0.0.1:{port}"


def test_the_wanted_member_of_a_package_is_downloaded(index: str, tmp_path: Path) -> None:
    tar = (tmp_path / "index" / "x" / "x-1.tar.gz").read_bytes()
    package = Package("x", "x-1.tar.gz", hashlib.sha256(tar).hexdigest(), "./lib/x.so")
    progress: list[tuple[int, int]] = []
    target = tmp_path / "x.so"
    download(package, Index(index), target, lambda done, total: progress.append((done, total)))
    assert target.stat().st_size == 1_000_000
    assert progress[-1] == (len(tar), len(tar))
    assert not (tmp_path / "x-1.tar.gz").exists()


def test_another_file_than_the_expected_one_is_refused(index: str, tmp_path: Path) -> None:
    package = Package("x", "x-1.tar.gz", "0" * 64, "./lib/x.so")
    with pytest.raises(LocalError, match="has SHA-256"):
        download(package, Index(index), tmp_path / "x.so", lambda done, total: None)
    assert not (tmp_path / "x.so").exists()


def test_an_index_that_does_not_answer_is_a_reason_with_advice(tmp_path: Path) -> None:
    package = Package("x", "x-1.tar.gz", "0" * 64, "./lib/x.so")
    nowhere = Index(f"http://127.0.0.1:{free_port()}")
    with pytest.raises(LocalError, match="check the network"):
        download(package, nowhere, tmp_path / "x.so", lambda done, total: None)


def test_two_installations_at_once_build_once(
    mesos_installation: Installation, tmp_path: Path
) -> None:
    library = find(tmp_path).library
    library.parent.mkdir()
    library.symlink_to(mesos_installation.library)  # only the build is of interest
    (tmp_path / ".mesos-left-by-a-killed-run").mkdir()
    with ThreadPoolExecutor(2) as pool:
        built = list(pool.map(lambda _: install(tmp_path, lambda done, total: None), range(2)))
    assert built == [find(tmp_path)] * 2
    assert os.access(built[0].program, os.X_OK)
    assert list(tmp_path.glob(".mesos-*")) == []


def test_the_download_runs_with_this_python_whatever_is_on_the_path(
    mesos_installation: Installation, tmp_path: Path
) -> None:
    shims, sandbox = tmp_path / "shims", tmp_path / "sandbox"
    shims.mkdir()
    sandbox.mkdir()
    (shims / "python3").write_text("#!/bin/sh\nexit 9\n")
    (shims / "python3").chmod(0o755)
    (tmp_path / "page.txt").write_text("fetched")
    wanted = {"sandbox_directory": str(sandbox)}
    items = [{"uri": {"value": str(tmp_path / "page.txt")}}]
    environ = {
        "PATH": f"{shims}:/usr/bin:/bin",
        "MESOS_FETCHER_INFO": json.dumps({**wanted, "items": items}),
    }
    subprocess.run([mesos_installation.launcher / "mesos-fetcher"], env=environ, check=True)
    assert (sandbox / "page.txt").read_text() == "fetched"
