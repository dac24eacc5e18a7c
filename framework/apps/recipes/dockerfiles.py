"""Finds a commit's Dockerfile where it is not expected, and the ports that one exposes. Pure."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from framework.apps.commit_files import CommitFiles
from framework.apps.recipes.project import MOST_BYTES, is_plain
from prevs.containers import BuildSettings

_NAMES = ("Dockerfile", "Containerfile")
_SHARED = ("docker", ".docker")
"""Folders for files about Docker: what they build is the commit around them."""

_OTHERS = frozenset(
    {
        *("bench", "ci", "doc", "docs", "e2e", "example", "examples", "hack"),
        *("node_modules", "scripts", "test", "tests", "third_party", "vendor"),
    }
)
"""Folders whose Dockerfile builds something else than the application."""

_MOST_FOLDERS = 50
_CONTINUED = re.compile(r"\\[ \t]*\r?\n(?:[ \t]*(?:#[^\n]*)?\r?\n)*")
_FROM = re.compile(r"(?:--\S+\s+)*(\S+)(?:\s+AS\s+(\S+))?\s*", re.IGNORECASE)
_FLAGS = re.compile(r"(?:--\S+\s+)*")
_VARIABLE = re.compile(r"\$(?:\{(\w+)(?::-([^}]*))?\}|(\w+))")
_SET = re.compile(r"(\w+)=(?:\"([^\"]*)\"|'([^']*)'|(\S*))")
_PORT = re.compile(r"(\d{1,5})(?:/tcp)?", re.ASCII)
_LONGEST = 1000
"""How much of a line and of a variable is read: one that grows by itself would take all memory."""
_NOT_HTTP = frozenset({22, 443})
"""Ports of SSH and of TLS, which an image may expose before the one for plain HTTP."""


class Found(NamedTuple):
    """A Dockerfile: its path and its context, from the app's folder on, and why it is the one."""

    path: str
    context: str
    why: str


def find_dockerfile(files: CommitFiles) -> Found | None:
    """Return a commit's Dockerfile, None if there is none, or several and none at a usual place.

    Raises what `files` raises.
    """
    there = files.list(".")
    for name in _NAMES:
        if there.get(name) in {"file", "link"}:
            return Found(name, ".", f"{name} is there")
    folders = [name for name, kind in there.items() if kind == "folder"]
    for folder in _SHARED:
        if folder in folders and (name := _name_in(files, folder)):
            path = f"{folder}/{name}"
            return Found(path, ".", f"{path} is there, for the files around {folder}/")
    found = [
        (folder, name)
        for folder in sorted(filter(_may_have_one, folders))[:_MOST_FOLDERS]
        if (name := _name_in(files, folder))
    ]
    if len(found) != 1:
        return None
    folder, name = found[0]
    return _find_context(files, folder, name)


def _may_have_one(folder: str) -> bool:
    return is_plain(folder) and not folder.startswith(".") and folder not in _OTHERS


def _name_in(files: CommitFiles, folder: str) -> str:
    there = files.list(folder)
    return next((name for name in _NAMES if there.get(name) == "file"), "")


def _find_context(files: CommitFiles, folder: str, name: str) -> Found:
    """Return the only Dockerfile: its folder is the context unless it copies what is outside."""
    path = f"{folder}/{name}"
    only = f"{path} is the only {name}"
    outside = _find_outside(files, folder, _read(files, path))
    if outside:
        return Found(path, ".", f"{only}, and copies {outside}, which is not in {folder}/")
    return Found(path, folder, only)


def _read(files: CommitFiles, path: str) -> str:
    file = files.read(path, most=MOST_BYTES)
    return file.data.decode(errors="replace") if file else ""


def _find_outside(files: CommitFiles, folder: str, text: str) -> str:
    """Return a source that is beside the folder and not in it, "" if there is none."""
    inside, around = files.list(folder), files.list(".")
    for source in _sources(text):
        first = source.removeprefix("./").partition("/")[0]
        if first in around and first not in inside and is_plain(first):
            return first
    return ""


def _sources(text: str) -> Iterator[str]:
    """Yield what a Dockerfile copies from its context."""
    for word, rest in _instructions(text):
        flags = _FLAGS.match(rest)
        given = rest[flags.end() :] if flags else rest
        if word in ("COPY", "ADD") and "--from=" not in rest[: len(rest) - len(given)]:
            yield from _words(given)[:-1]


def _words(text: str) -> list[str]:
    if text.startswith("["):
        try:
            read = json.loads(text)
        except ValueError:
            return text.split()
        return [str(one) for one in read] if isinstance(read, list) else []
    return text.split()


def exposed_ports(text: str, build: BuildSettings) -> tuple[int, ...]:
    """Return the TCP ports that a Dockerfile's stage exposes as it is built, likely ones first.

    A stage that begins with an earlier one exposes what that does. What a base image exposes is not
    known here.
    """
    stages: dict[str, _Stage] = {}
    stage, number = _Stage({}), -1
    arguments: dict[str, str] = {}
    for word, line in _instructions(text):
        rest = line[:_LONGEST]
        if word == "FROM" and (match := _FROM.fullmatch(rest)):
            number += 1
            base = stages.get(match[1].lower())
            stage = _Stage(base.variables, base.ports) if base else _Stage({})
            stages[str(number)] = stages[(match[2] or str(number)).lower()] = stage
        elif word == "ARG":
            known = {**arguments, **stage.variables}
            given = _read_argument(rest, known, build.args)
            (arguments if number < 0 else stage.variables).update(given)
        elif word == "ENV":
            stage.variables.update(_read_values(rest, {**arguments, **stage.variables}))
        elif word == "EXPOSE":
            stage.expose(rest)
    chosen = stages.get(build.target.lower()) if build.target else stage
    found = dict.fromkeys(chosen.ports if chosen else ())
    return tuple(sorted(found, key=lambda port: port in _NOT_HTTP))


class _Stage:
    """What is known of a stage so far: its variables, and the ports of it and of its base."""

    def __init__(self, variables: Mapping[str, str], base_ports: Sequence[int] = ()) -> None:
        self.variables = dict(variables)
        self.own: list[int] = []
        self.base_ports = base_ports

    @property
    def ports(self) -> tuple[int, ...]:
        """All ports; its own come before those of its base."""
        return (*self.own, *self.base_ports)

    def expose(self, rest: str) -> None:
        """Add the TCP ports of an EXPOSE."""
        for word in _expand(rest, self.variables).split():
            match = _PORT.fullmatch(word)
            if match and 1 <= int(match[1]) <= 65535:
                self.own.append(int(match[1]))


def _read_argument(
    rest: str, known: Mapping[str, str], args: Mapping[str, str]
) -> Mapping[str, str]:
    """Return the value of an ARG: that of the build, else its own, else one before the stages."""
    given = {rest: known[rest]} if rest in known else _read_values(rest, known)
    name = rest.partition("=")[0].strip()
    return {name: args[name]} if name in args else given


def _read_values(rest: str, known: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that an ENV or ARG sets, in both of its forms."""
    found = {match[1]: match[2] or match[3] or match[4] or "" for match in _SET.finditer(rest)}
    if not found:
        name, _, value = rest.partition(" ")
        found = {name: value.strip()} if value else {}
    return {name: _expand(value, known)[:_LONGEST] for name, value in found.items()}


def _expand(text: str, known: Mapping[str, str]) -> str:
    def value(match: re.Match[str]) -> str:
        return known.get(match[1] or match[3]) or match[2] or ""

    return _VARIABLE.sub(value, text)


def _instructions(text: str) -> Iterator[tuple[str, str]]:
    """Yield the word of each instruction in capitals, and the rest of its line."""
    for line in _CONTINUED.sub(" ", text[:MOST_BYTES]).splitlines():
        word, _, rest = line.strip().partition(" ")
        if word and not word.startswith("#"):
            yield word.upper(), rest.strip()
