"""The repository whose every commit is new to every cache."""

import shutil
from pathlib import Path

from bench.versions import Versions


def test_no_file_of_one_commit_is_in_the_next(tmp_path: Path) -> None:
    program = tmp_path / "busybox"
    program.write_bytes(b"a program")
    versions = Versions(tmp_path / "repository", program, "bench 1")
    exported = []
    for name in ("one", "two"):
        folder = tmp_path / name
        folder.mkdir()
        versions.export(versions.commit(name), folder)
        assert (folder / "www" / "index.html").read_text() == versions.page(name)
        assert (folder / "busybox").read_bytes().startswith(b"a program")
        assert shutil.which(folder / "busybox")
        assert not (folder / ".git").exists()
        exported.append(folder)
    for file in ("busybox", "www/index.html"):
        assert (exported[0] / file).read_bytes() != (exported[1] / file).read_bytes()
