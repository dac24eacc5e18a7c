"""From the bytes of a .prevs.toml to a Manifest, or to all mistakes in it."""

import dataclasses
import re
import tomllib
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from framework.apps.manifest.keys import Top
from framework.apps.manifest.lines import TooDeep, find_lines
from framework.apps.manifest.rules import Bounds
from framework.apps.manifest.wording import explain
from prevs.commit_settings import CommitSettings
from prevs.job_settings import JobSettings
from prevs.records import Mistake

MOST_BYTES = 8192
"""How large the file may be. The record of each preview contains its settings."""

_AT = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)$")


@dataclasses.dataclass(frozen=True)
class Manifest:
    """What a commit says: the settings of its preview, and its jobs by name."""

    settings: CommitSettings = dataclasses.field(default_factory=CommitSettings)
    jobs: Mapping[str, JobSettings] = dataclasses.field(default_factory=dict)


class InvalidManifest(Exception):
    """A file that cannot be used; `mistakes` are all that is wrong, in the order of lines."""

    def __init__(self, mistakes: Sequence[Mistake]) -> None:
        super().__init__("; ".join(f"line {one.line}: {one.message}" for one in mistakes))
        self.mistakes = tuple(mistakes)


def read(data: bytes, bounds: Bounds) -> Manifest:
    """Return what is in a file. Raises InvalidManifest."""
    text = _decode(data)
    lines, parsed = _parse(text)
    try:
        top = Top.model_validate(parsed, context=bounds)
    except ValidationError as error:
        raise InvalidManifest(_locate(error, lines)) from None
    return Manifest(top.settings(), top.job_settings())


def _decode(data: bytes) -> str:
    if len(data) > MOST_BYTES:
        raise InvalidManifest([too_large(len(data))])
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InvalidManifest([Mistake(line, "is not UTF-8: save the file as UTF-8")]) from None


def too_large(size: int) -> Mistake:
    """Return the mistake of a file with so many bytes."""
    return Mistake(1, f"the file has {size:,} bytes; at most {MOST_BYTES:,} are allowed")


def _parse(text: str) -> tuple[Mapping[tuple[str | int, ...], int], dict[str, Any]]:
    try:
        # First, because tomllib would use up all memory for a document that is nested too deeply.
        lines = find_lines(text)
        return lines, tomllib.loads(text)
    except TooDeep as deep:
        wrong = Mistake(deep.line, "is nested too deeply; no setting needs that")
    except tomllib.TOMLDecodeError as error:
        wrong = _read_syntax(str(error), text)
    except ValueError:
        wrong = Mistake(1, "the file has a number with thousands of digits")
    raise InvalidManifest([wrong]) from None


def _read_syntax(message: str, text: str) -> Mistake:
    at = _AT.search(message)
    line = int(at[1]) if at and at[1] else text.rstrip().count("\n") + 1
    what = _AT.sub("", message)
    return Mistake(line, f"is not TOML: {what[:1].lower()}{what[1:]}")


def _locate(error: ValidationError, lines: Mapping[tuple[str | int, ...], int]) -> list[Mistake]:
    found: dict[Mistake, None] = {}
    for problem in error.errors(include_url=False):
        path = problem["loc"]
        if path[-1:] == ("[key]",) and path not in lines:
            path = path[:-1]  # pydantic's mark of a mistake in the key itself
        # A word of a command that was split has no line of its own.
        line = next((lines[path[:n]] for n in range(len(path), 0, -1) if path[:n] in lines), 1)
        found[Mistake(line, explain(problem, path))] = None
    return sorted(found, key=lambda mistake: mistake.line)
