"""mesos-fetcher: fetches a task's URIs into its sandbox before its executor starts.

The agent runs it with MESOS_FETCHER_INFO, JSON of mesos.fetcher.FetcherInfo (see Mesos's
fetcher.md). It takes paths, file:// and http(s)://. The agent decides about its cache. It imports
as little as possible, and only from the standard library, as every attempt waits for it. Exit
status 1 fails the task; stderr (in the sandbox) has the reason.
"""

import json
import os
import shutil
import sys
import urllib.parse
from pathlib import Path
from typing import Any

_TARS = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")


class FetchError(Exception):
    """A URI cannot be fetched."""


def file_name(uri: str) -> str:
    """Return the name of a URI's file in the sandbox, if it has no output_file."""
    name = urllib.parse.unquote(urllib.parse.urlsplit(uri).path).rstrip("/").rsplit("/", 1)[-1]
    if name in ("", ".", ".."):
        raise FetchError(f"{uri} names no file")
    return name


def target_of(sandbox: Path, uri: str, output_file: str) -> Path:
    """Return the path for a URI's file, never outside of the sandbox."""
    target = (sandbox / (output_file or file_name(uri))).resolve()
    if not target.is_relative_to(sandbox.resolve()) or target == sandbox.resolve():
        raise FetchError(f"{output_file} is outside of the sandbox")
    return target


def fetch(item: dict[str, Any], info: dict[str, Any]) -> Path:
    """Fetch one item of a FetcherInfo; return its file. Raises FetchError, OSError."""
    uri = item["uri"]
    sandbox = Path(info["sandbox_directory"])
    target = target_of(sandbox, uri["value"], uri.get("output_file", ""))
    target.parent.mkdir(parents=True, exist_ok=True)
    action = item.get("action", "BYPASS_CACHE")
    if action == "BYPASS_CACHE":
        bring(uri["value"], target, info)
    else:
        cached = Path(info["cache_directory"]) / item["cache_filename"]
        if action == "DOWNLOAD_AND_CACHE":
            cached.parent.mkdir(parents=True, exist_ok=True)
            bring(uri["value"], cached, info)
        shutil.copyfile(cached, target)
    if uri.get("executable"):
        target.chmod(0o755)
    elif uri.get("extract", True):
        unpack(target, sandbox)
    return target


def bring(value: str, target: Path, info: dict[str, Any]) -> None:
    """Copy the content of a URI to a file. Raises FetchError, OSError."""
    scheme = urllib.parse.urlsplit(value).scheme
    if scheme in ("http", "https"):
        from urllib.request import urlopen

        with urlopen(value, timeout=60) as answer, target.open("wb") as out:  # noqa: S310 (the scheme was just looked at)
            shutil.copyfileobj(answer, out)
    elif scheme in ("", "file"):
        path = urllib.parse.unquote(urllib.parse.urlsplit(value).path) if scheme else value
        shutil.copyfile(Path(info.get("frameworks_home") or "/") / path, target)
    else:
        raise FetchError(f"{value}: only paths, file, http and https are known here")


def unpack(archive: Path, sandbox: Path) -> None:
    """Unpack an archive into the sandbox; leave any other file as it is. Raises FetchError."""
    if not archive.name.endswith((*_TARS, ".zip")):
        return
    import tarfile
    import zipfile

    try:
        if archive.name.endswith(_TARS):
            with tarfile.open(archive) as tar:
                tar.extractall(sandbox, filter="data")
        else:
            with zipfile.ZipFile(archive) as zipped:
                zipped.extractall(sandbox)  # noqa: S202 (zipfile keeps members inside)
    except (tarfile.TarError, zipfile.BadZipFile) as exc:
        raise FetchError(f"{archive.name} can't be unpacked: {exc}") from exc


def main() -> int:
    """Fetch all that MESOS_FETCHER_INFO asks for."""
    info = json.loads(os.environ["MESOS_FETCHER_INFO"])
    for item in info.get("items", []):
        try:
            target = fetch(item, info)
        except (FetchError, OSError) as exc:
            print(f"mesos-fetcher: {item['uri']['value']}: {exc}", file=sys.stderr)
            return 1
        print(f"mesos-fetcher: {item['uri']['value']} -> {target}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
