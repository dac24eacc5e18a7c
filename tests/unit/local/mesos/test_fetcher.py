import tarfile
import zipfile
from pathlib import Path

import pytest

from local.mesos.fetcher import FetchError, fetch, file_name, target_of


def info(sandbox: Path, home: str = "", cache: Path | None = None) -> dict[str, str]:
    return {
        "sandbox_directory": str(sandbox),
        "frameworks_home": home,
        "cache_directory": str(cache),
    }


@pytest.fixture
def sandbox(tmp_path: Path) -> Path:
    made = tmp_path / "sandbox"
    made.mkdir()
    return made


@pytest.mark.parametrize(
    ("uri", "name"),
    [
        ("https://example.org/a/tool.tar.gz?x=1#y", "tool.tar.gz"),
        ("file:///srv/a%20b", "a b"),
        ("/srv/tool/", "tool"),
    ],
)
def test_a_file_is_called_what_its_uri_ends_in(uri: str, name: str) -> None:
    assert file_name(uri) == name


@pytest.mark.parametrize("uri", ["https://example.org", "https://example.org/", "/.."])
def test_a_uri_without_a_file_is_refused(uri: str) -> None:
    with pytest.raises(FetchError):
        file_name(uri)


@pytest.mark.parametrize("output", ["../outside", "/etc/passwd", "."])
def test_nothing_is_written_outside_of_the_sandbox(tmp_path: Path, output: str) -> None:
    with pytest.raises(FetchError, match="outside"):
        target_of(tmp_path, "/srv/file", output)


def test_an_archive_is_unpacked_into_the_sandbox(tmp_path: Path, sandbox: Path) -> None:
    (tmp_path / "inner").write_text("content")
    with tarfile.open(tmp_path / "a.tgz", "w:gz") as tar:
        tar.add(tmp_path / "inner", "from-tar")
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as zipped:
        zipped.write(tmp_path / "inner", "from-zip")
    for archive in ("a.tgz", "a.zip"):
        fetch({"uri": {"value": f"file://{tmp_path / archive}"}}, info(sandbox))
    assert (sandbox / "from-tar").read_text() == (sandbox / "from-zip").read_text() == "content"


def test_an_archive_stays_as_it_is_when_extract_is_off(tmp_path: Path, sandbox: Path) -> None:
    with tarfile.open(tmp_path / "a.tar", "w"):
        pass
    fetch({"uri": {"value": str(tmp_path / "a.tar"), "extract": False}}, info(sandbox))
    assert [file.name for file in sandbox.iterdir()] == ["a.tar"]


def test_an_executable_can_be_run(tmp_path: Path, sandbox: Path) -> None:
    (tmp_path / "tool").write_text("#!/bin/sh\n")
    tool = fetch({"uri": {"value": "tool", "executable": True}}, info(sandbox, str(tmp_path)))
    assert tool.stat().st_mode & 0o111 == 0o111


def test_other_schemes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FetchError, match="only paths, file, http and https"):
        fetch({"uri": {"value": "hdfs://x/y"}}, info(tmp_path))


def test_a_cached_file_is_downloaded_once_and_copied_from_the_cache(tmp_path: Path) -> None:
    sandboxes = [tmp_path / "one", tmp_path / "two"]
    for sandbox in sandboxes:
        sandbox.mkdir()
    file, cache = tmp_path / "file", tmp_path / "cache"
    file.write_text("content")
    uri = {"value": str(file), "output_file": "out", "extract": False}
    item = {"uri": uri, "action": "DOWNLOAD_AND_CACHE", "cache_filename": "c1"}
    assert fetch(item, info(sandboxes[0], cache=cache)).read_text() == "content"
    assert (cache / "c1").read_text() == "content"
    file.unlink()
    item["action"] = "RETRIEVE_FROM_CACHE"
    assert fetch(item, info(sandboxes[1], cache=cache)).read_text() == "content"
