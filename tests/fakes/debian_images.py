"""Images of PostgreSQL, Redis, Python and Node, made of what is installed on this machine."""

import functools
import io
import json
import re
import shutil
import subprocess
import tarfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from docker.api import APIClient

from tests.fakes.samples import BUSYBOX

USER = 999
DATA = "/var/lib/postgresql/data"
_LIBRARY = re.compile(r"(/\S+) \(0x")
_SHELL = ("sh", "sleep", "cat", "mkdir", "chmod", "nc", "ls")
_ACCOUNTS = f"root:x:0:0:root:/:/bin/sh\nserver:x:{USER}:{USER}:server:/tmp:/bin/sh\n"
_TESTS = frozenset({"test", "tests", "idlelib", "__pycache__", "ensurepip", "lib2to3", "bitcode"})
_START = f"""\
#!/bin/sh
set -e
if [ ! -s {DATA}/PG_VERSION ]; then
	initdb --pgdata {DATA} --username postgres --auth trust --locale C --encoding UTF8 --no-sync
	echo 'host all all all trust' >> {DATA}/pg_hba.conf
fi
exec postgres -D {DATA} -c fsync=off -c unix_socket_directories=/tmp -c listen_addresses='*'
"""
"""As docker-library/postgres does it, for tests: initdb takes most of a first start."""


def find_postgres() -> Path | None:
    """Return the folder of PostgreSQL's programs, None if it is not installed."""
    # Debian has them in no PATH.
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    return found[-1].parent if found else None


def postgres_image(client: APIClient, tag: str) -> str:
    """Make an image like postgres:17; return its tag. It is ready once pg_isready exits with 0."""
    programs = find_postgres()
    assert programs is not None
    version = programs.parent.name
    names = ("postgres", "initdb", "pg_isready", "psql")
    modules = [path for path in (programs.parent / "lib").glob("*.so") if "llvm" not in path.name]
    return _add(
        client,
        tag,
        [*(programs / name for name in names), *modules],
        folders=[Path(f"/usr/share/postgresql/{version}"), Path("/usr/share/zoneinfo")],
        files={"start": _START},
        changes=[
            f"USER {USER}",
            f"ENV PATH={programs}:/bin",
            f"VOLUME {DATA}",
            'CMD ["/bin/sh", "/start"]',
            "STOPSIGNAL SIGINT",
        ],
        owned=[DATA],
    )


def redis_image(client: APIClient, tag: str) -> str:
    """Make an image like redis:8; return its tag."""
    found = shutil.which("redis-server")
    assert found is not None
    command = [found, "--protected-mode", "no", "--dir", "/tmp"]  # the container's
    changes = [f"USER {USER}", f"CMD {json.dumps(command)}"]
    return _add(client, tag, [Path(found)], changes=changes)


def python_image(client: APIClient, tag: str, application: str) -> str:
    """Make an image with Debian's Python and psql that runs an application; return its tag."""
    programs = find_postgres()
    assert programs is not None
    python = Path("/usr/bin/python3").resolve()
    library = Path("/usr/lib") / python.name
    modules = [*(library / "lib-dynload").glob("*.so")]
    return _add(
        client,
        tag,
        [python, programs / "psql"],
        linked=modules,
        folders=[library],
        files={"app.py": application},
        changes=[f"ENV PATH={programs}:/bin", f'CMD ["{python}", "-u", "/app.py"]'],
    )


def languages_image(client: APIClient, tag: str) -> str:
    """Make an image with `python3` and `node`, like python:3-slim and node:22-slim; return its tag.

    It takes a second, most of it for node's hundred megabytes.
    """
    node = shutil.which("node")
    assert node is not None
    python = Path("/usr/bin/python3")
    library = Path("/usr/lib") / python.resolve().name
    return _add(
        client,
        tag,
        [python, Path(node)],
        linked=[*(library / "lib-dynload").glob("*.so")],
        folders=[library],
        changes=[f"ENV PATH=/bin:/usr/bin:{Path(node).parent}"],
    )


def _add(
    client: APIClient,
    tag: str,
    programs: Sequence[Path],
    *,
    changes: Sequence[str],
    linked: Sequence[Path] = (),
    folders: Sequence[Path] = (),
    files: Mapping[str, str] | None = None,
    owned: Sequence[str] = (),
) -> str:
    """Make an image of these, with the libraries that they and the `linked` ones need."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", dereference=True) as tar:
        for name in ("tmp", *(path.lstrip("/") for path in owned)):
            folder = tarfile.TarInfo(name)
            folder.type, folder.mode = tarfile.DIRTYPE, 0o1777
            folder.uid = folder.gid = USER
            tar.addfile(folder)
        tar.add(BUSYBOX, "bin/busybox")
        for applet in _SHELL:
            link = tarfile.TarInfo(f"bin/{applet}")
            link.type, link.linkname = tarfile.SYMTYPE, "busybox"
            tar.addfile(link)
        for path in sorted({*programs, *_libraries((*programs, *linked))}):
            tar.add(path, str(path).lstrip("/"))
        for folder_path in folders:
            tar.add(folder_path, str(folder_path).lstrip("/"), filter=_without_tests)
        for name, text in {"etc/passwd": _ACCOUNTS, **(files or {})}.items():
            file = tarfile.TarInfo(name)
            file.size = len(text.encode())
            tar.addfile(file, io.BytesIO(text.encode()))
    repository, _, version = tag.rpartition(":")
    client.import_image_from_data(
        buffer.getvalue(), repository=repository, tag=version, changes=list(changes)
    )
    return tag


def _without_tests(entry: tarfile.TarInfo) -> tarfile.TarInfo | None:
    return None if _TESTS & set(Path(entry.name).parts) else entry


@functools.cache
def _libraries(programs: Iterable[Path]) -> frozenset[Path]:
    """Return the libraries that programs load, and the loader."""
    found: set[Path] = set()
    for path in programs:
        listed = subprocess.run(["ldd", str(path)], capture_output=True, text=True, check=False)
        found.update(map(Path, _LIBRARY.findall(listed.stdout)))
    return frozenset(found)
