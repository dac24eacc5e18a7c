"""The base images of recipes: one table, whose rows an operator may replace. Pure."""

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

_VERSION = "{version}"
_REFERENCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@-]*", re.ASCII)
_LONGEST = 300
_PLAIN = re.compile(r"\d{1,4}(\.\d{1,4}){0,2}", re.ASCII)


class Base(NamedTuple):
    """A row: an image, and the version that stands for `{version}` if a commit names none."""

    reference: str
    version: str = ""


DEFAULTS: Mapping[str, Base] = MappingProxyType(
    {
        "node": Base("node:{version}-bookworm", "22"),
        "python": Base("python:{version}-bookworm", "3.13"),
        "go": Base("golang:{version}-bookworm", "1.25"),
        "ruby": Base("ruby:{version}-bookworm", "3.4"),
        "php": Base("php:{version}-cli-bookworm", "8.4"),
        "composer": Base("composer:2.8"),
        "maven": Base("maven:3.9-eclipse-temurin-{version}", "21"),
        "gradle": Base("gradle:8.14-jdk{version}", "21"),
        "java": Base("eclipse-temurin:{version}-jdk", "21"),
        "rust": Base("rust:{version}-bookworm", "1.90"),
        "deno": Base("denoland/deno:2.2.0"),
        "bun": Base("oven/bun:1.2"),
        "static": Base("caddy:2.10"),
        "binary": Base("buildpack-deps:bookworm-curl"),
    }
)
"""`static` serves files, `binary` runs what a compiler has made."""


class Chosen(NamedTuple):
    """The base image for a commit, and a sentence if it is not of the version that it names."""

    reference: str
    note: str = ""


class BaseImages:
    """The table with the rows that an operator has set."""

    def __init__(self, own: Mapping[str, str] = MappingProxyType({})) -> None:
        self._rows = dict(DEFAULTS)
        for kind, reference in own.items():
            self._rows[kind] = Base(reference, DEFAULTS[kind].version)

    def choose(self, kind: str, version: str = "") -> Chosen:
        """Return the image of a kind, of this version if it is one and the image may be of any."""
        row = self._rows[kind]
        named = version if _PLAIN.fullmatch(version) else ""
        if _VERSION in row.reference:
            return Chosen(row.reference.replace(_VERSION, named or row.version))
        if named and named != row.version and row.version:
            return Chosen(
                row.reference,
                f"The commit asks for version {named} of {kind}, and recipes build on "
                f"{row.reference} here (the operator's PREVS_RECIPE_IMAGES).",
            )
        return Chosen(row.reference)

    def default_version(self, kind: str) -> str:
        """Return the version of a kind without one that a commit names."""
        return self._rows[kind].version


OFFICIAL = BaseImages()
"""The images that the table names."""


def parse(value: str) -> BaseImages:
    """Return the table with the rows of `KIND=IMAGE,KIND=IMAGE`. Raises ValueError."""
    own: dict[str, str] = {}
    for entry in filter(None, map(str.strip, value.split(","))):
        kind, _, reference = (part.strip() for part in entry.partition("="))
        if kind not in DEFAULTS:
            raise ValueError(f"{kind[:40]!r} is no kind; there are {', '.join(DEFAULTS)}")
        plain = reference.replace(_VERSION, "0")
        if len(reference) > _LONGEST or not _REFERENCE.fullmatch(plain):
            raise ValueError(
                f"{kind} needs the name of an image, as {DEFAULTS[kind].reference}, not "
                f"{reference[:80]!r}"
            )
        own[kind] = reference
    return BaseImages(own)


class _Bound(NamedTuple):
    operator: str
    numbers: tuple[int, ...]


_BOUND = re.compile(r"(~>|~=|>=|<=|==|!=|[~^<>=])?\s*v?(\d+(?:\.\d+)*)")


def choose_version(wanted: str, known: Sequence[str], default: str) -> str:
    """Return the version that a range of versions allows: the default, else the newest known.

    It reads the ranges of npm, pip, poetry, Bundler and Composer. "" means that it allows none.
    """
    candidates = [default, *sorted(known, key=_numbers, reverse=True)]
    return next((one for one in candidates if _allows(wanted, _numbers(one))), "")


def _allows(wanted: str, version: tuple[int, ...]) -> bool:
    return any(
        all(_holds(_Bound(sign, _numbers(text)), version) for sign, text in _BOUND.findall(part))
        for part in re.split(r"\|\|?", wanted)
    )


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(number) for number in text.split("."))


def _holds(bound: _Bound, version: tuple[int, ...]) -> bool:
    """Return whether some version that begins with `version` is within a bound."""
    width = len(version)
    near = bound.numbers[:width]
    begin = version[: len(near)]
    match bound.operator:
        case ">=" | ">":
            return begin >= near
        case "<":
            return begin < near or (begin == near and any(bound.numbers[width:]))
        case "<=":
            return begin <= near
        case "^":
            return begin >= near and begin[:1] == near[:1]
        case "~=" | "~>":
            fixed = max(len(bound.numbers) - 1, 1)
            return begin >= near and begin[:fixed] == near[:fixed]
        case "~":
            return begin[:2] == near[:2]
        case "!=":
            return True
    return begin == near
