"""What a Dockerfile copies of its context, as far as its text says it for certain. Pure."""

import json
import posixpath
import re
from collections.abc import Iterator

_CONTINUED = re.compile(r"\\[ \t]*\r?\n(?:[ \t]*(?:#[^\n]*)?\r?\n)*")
_DIRECTIVE = re.compile(r"#\s*(\w+)\s*=\s*(\S*)")
_FLAG = re.compile(r"--\S+\s*")
_FRONTEND = re.compile(r"(?:docker\.io/)?docker/dockerfile[:@].*")
_NOT_OF_CONTEXT = re.compile(r"type=(?:cache|secret|ssh|tmpfs)\b|\bfrom=")
_UNCERTAIN = re.compile(r"[$\[\\'\"]")


class _Uncertain(Exception):
    """The text does not say which files an instruction takes."""


def find_sources(text: str) -> tuple[str, ...] | None:
    """Return the paths that a Dockerfile copies, from its context on; None if that may be all.

    They may have `*` and `?`, which match no slash. A Dockerfile that copies nothing may take all
    too: its base image may copy.
    """
    try:
        found = tuple(dict.fromkeys(_find_all(text)))
    except _Uncertain:
        return None
    return None if "." in found or not found else found


def _find_all(text: str) -> Iterator[str]:
    for line in text.splitlines():
        if not line.startswith("#"):
            break
        _check_directive(line)
    for line in _CONTINUED.sub(" ", text).splitlines():
        word, _, rest = line.strip().partition(" ")
        flags, given = _divide(rest.strip())
        if word.upper() == "RUN":
            _check_mounts(flags)
        elif word.upper() in ("COPY", "ADD") and "--from" not in [one[:6] for one in flags]:
            yield from map(_normalize, _read_words(given)[:-1])


def _check_directive(line: str) -> None:
    match = _DIRECTIVE.match(line)
    name, value = (match[1].lower(), match[2]) if match else ("", "")
    if name == "escape" or (name == "syntax" and not _FRONTEND.fullmatch(value)):
        raise _Uncertain


def _divide(rest: str) -> tuple[list[str], str]:
    """Return the flags of an instruction, and what follows them."""
    flags = []
    while match := _FLAG.match(rest):
        flags.append(match[0].strip())
        rest = rest[match.end() :]
    return flags, rest


def _check_mounts(flags: list[str]) -> None:
    """A step sees the context if it mounts it, which is what `--mount` does without a type."""
    if any(one.startswith("--mount") and not _NOT_OF_CONTEXT.search(one) for one in flags):
        raise _Uncertain


def _read_words(given: str) -> list[str]:
    if not given.startswith("["):
        return given.split()
    try:
        words = json.loads(given)
    except ValueError:
        raise _Uncertain from None
    return [str(one) for one in words] if isinstance(words, list) else []


def _normalize(source: str) -> str:
    """Return a source as a path. Raises _Uncertain for what is more than that."""
    if _UNCERTAIN.search(source) or "<<" in source or "://" in source or "**" in source:
        raise _Uncertain
    path = posixpath.normpath(source.lstrip("/") or ".")
    if path.startswith("..") or not path.isprintable():
        raise _Uncertain
    return path
