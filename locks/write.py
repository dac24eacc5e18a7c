"""`make lock`: which version of each library is deployed, by hashes, and the bills of materials.

    write.py TOOLS          writes build.txt, libraries.txt, libraries.cdx.json, executor.cdx.json
    write.py TOOLS --base   writes the digest of its base image into deploy/Dockerfile

TOOLS is a folder with uv and cyclonedx-py. The index is that of pip's configuration, which no
file has.
"""

import argparse
import configparser
import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from framework import executor_bundle

ROOT = Path(__file__).parents[1]
_LOCKS = ROOT / "locks"
_DOCKERFILE = ROOT / "deploy" / "Dockerfile"
_OLDEST = "3.11"
"""The oldest Python of framework and proxy, as setup.cfg has it; the lock is for all later ones."""

_BASE = re.compile(r"^ARG BASE=([^@\s]+)(@\S+)?$", re.MULTILINE)
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}", re.ASCII)
_CONFIGURED = re.compile(r"^(?:global|:env:)\.([a-z-]+)='(.*)'$", re.MULTILINE)
_UV = {"index-url": "UV_DEFAULT_INDEX", "extra-index-url": "UV_INDEX", "cert": "SSL_CERT_FILE"}
"""What uv has in its environment, by the name that pip has for it."""


def required(path: Path) -> str:
    """Return what a setup.cfg requires, a line each."""
    read = configparser.ConfigParser()
    read.read(path, encoding="utf-8")
    return read["options"]["install_requires"].strip() + "\n"


def build_required(path: Path) -> str:
    """Return what a pyproject.toml says that it is built with."""
    wanted: list[str] = tomllib.loads(path.read_text(encoding="utf-8"))["build-system"]["requires"]
    return "\n".join(wanted) + "\n"


def entries(lock: str) -> Iterator[tuple[str, str]]:
    """Yield the name of each library of a lock, with its lines."""
    for found in re.finditer(r"^([a-z0-9-]+)==.*\n(?:[ \t].*\n)*", lock, re.MULTILINE):
        yield found[1], found[0]


def pin_base(dockerfile: str, digest: str) -> str:
    """Return a Dockerfile with the digest of its base image. Raises ValueError."""
    if not _DIGEST.fullmatch(digest):
        raise ValueError(f"{digest!r} is no digest")
    pinned, count = _BASE.subn(rf"ARG BASE=\1@{digest}", dockerfile)
    if count != 1:
        raise ValueError("there is no one line ARG BASE=")
    return pinned


def uv_environment(configuration: str) -> dict[str, str]:
    """Return what makes uv ask the index of `pip config list`."""
    found = dict(_CONFIGURED.findall(configuration))
    return {_UV[name]: value for name, value in found.items() if name in _UV}


def _lock(tools: Path, wanted: str, environment: Mapping[str, str]) -> str:
    options = ["--universal", "--generate-hashes", "--no-emit-package", "http-parser"]
    options += ["--python-version", _OLDEST, "--no-header", "--quiet", "--upgrade"]
    command = [str(tools / "uv"), "pip", "compile", *options, "-"]
    written = _run(command, wanted, {**os.environ, **environment})
    return written.partition("\n# The following packages were excluded")[0].rstrip() + "\n"


def _bill(tools: Path, lock: str) -> str:
    command = [str(tools / "cyclonedx-py"), "requirements", "--output-reproducible", "-"]
    return _run(command, lock, os.environ).rstrip() + "\n"


def _run(command: Sequence[str], given: str, environment: Mapping[str, str], step: str = "") -> str:
    """Return the output of a command. If it fails, exit with its errors and the next `step`."""
    try:
        done = subprocess.run(
            command,
            input=given,
            env=environment,
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
    except FileNotFoundError:
        sys.exit(f"{command[0]} is not installed. Nothing was written.{step}")
    if done.returncode:
        why = done.stderr.strip()
        sys.exit(f"{why}\n{command[0]} failed: see above. Nothing was written.{step}")
    return done.stdout


def _write_locks(tools: Path) -> None:
    listed = _run([sys.executable, "-m", "pip", "config", "list"], "", os.environ)
    environment = uv_environment(listed)
    wanted = "./third_party/http-parser\n" + required(ROOT / "setup.cfg")
    libraries = _lock(tools, wanted, environment)
    bundled = {executor_bundle.canonical(one.metadata["Name"]) for one in executor_bundle.find()}
    executors = "".join(lines for name, lines in entries(libraries) if name in bundled)
    written = {
        "build.txt": _lock(tools, build_required(ROOT / "pyproject.toml"), environment),
        "libraries.txt": libraries,
        "libraries.cdx.json": _bill(tools, libraries),
        "executor.cdx.json": _bill(tools, executors),
    }
    for name, text in written.items():
        (_LOCKS / name).write_text(text, encoding="utf-8")
    print("locks/ is written anew; see what has changed with `git diff --stat locks`.")


def _write_base() -> None:
    text = _DOCKERFILE.read_text(encoding="utf-8")
    base = _BASE.findall(text)[0][0]
    command = ["docker", "buildx", "imagetools", "inspect", base]
    # By itself, {{.Manifest.Digest}} prints what people read.
    command += ["--format", "{{json .Manifest}}"]
    step = f" Run `make lock-base` on a machine with docker buildx that reaches {base}."
    digest = json.loads(_run(command, "", os.environ, step))["digest"]
    _DOCKERFILE.write_text(pin_base(text, digest), encoding="utf-8")
    print(f"deploy/Dockerfile begins with {base}@{digest}.")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("tools", type=Path)
    parser.add_argument("--base", action="store_true")
    asked = parser.parse_args()
    if asked.base:
        _write_base()
    else:
        _write_locks(asked.tools.absolute())
