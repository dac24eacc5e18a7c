"""The repository whose commits are all new to every cache."""

import subprocess
from pathlib import Path

from bench.systems.repository import Versions


def test_no_file_of_one_version_is_in_the_next(tmp_path: Path) -> None:
    program = tmp_path / "busybox"
    program.write_bytes(b"a program")
    versions = Versions(tmp_path / "repository", program, "bench 1")
    folders = [tmp_path / name for name in ("one", "two")]
    for folder in folders:
        folder.mkdir()
        versions.write(folder.name, folder)
        assert (folder / "www" / "index.html").read_text() == versions.page(folder.name)
        assert (folder / "busybox").read_bytes().startswith(b"a program")
    for file in ("busybox", "www/index.html"):
        assert (folders[0] / file).read_bytes() != (folders[1] / file).read_bytes()


def test_a_commit_holds_its_version(tmp_path: Path) -> None:
    program = tmp_path / "busybox"
    program.write_bytes(b"a program")
    versions = Versions(tmp_path / "repository", program, "bench 1")
    first, second = versions.commit("one"), versions.commit("two")
    for sha, name in ((first, "one"), (second, "two")):
        command = ["git", "-C", str(versions.folder), "show", f"{sha}:www/index.html"]
        shown = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        assert shown == versions.page(name)
