"""Names the steps in a build's output, and finds which one runs and why the build failed. Pure.

In BuildKit's plain progress each line begins with the number of its step. A step's first line
shows its name, after an empty line whenever the output turns to it:

    #7 [3/5] RUN make
    #7 0.210 cc: not found

It ends in

    ------
     > [2/3] RUN make:
    ------
    ERROR: failed to solve: process "/bin/sh -c make" did not complete successfully: exit code: 2

with the stage's name before the numbers (`[web 2/3]`) if it has one.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from executor.docker import blame
from executor.errors import BuildFailed, ExecutorError, close
from executor.limits.daemon_firewall import Refusal

_STEP = re.compile(r"^ > \[(?:[^\]]*\s)?(\d+/\d+)\] (.*?):?$", re.MULTILINE)
_ERROR = re.compile(r"^ERROR: (?:failed to \w+: )?(.*)$", re.MULTILINE)
_EXIT_CODE = re.compile(r"exit code: (\d+)")
_NO_DAEMON = re.compile(
    r"^(?:ERROR: )?((?:Cannot connect to the Docker daemon|error during connect).*)$", re.MULTILINE
)
_BEGUN = re.compile(rb"(#[1-9]\d* )(.*)()", re.DOTALL)
_FAILED = re.compile(rb"( > )(.*?)(:?)", re.DOTALL)
"""Lines with the name of a step: where the output turns to it, and where the build failed."""

_NEXT = {b"": _BEGUN, b"------": _FAILED}
"""What may follow a line (moby/buildkit, util/progress/progressui)."""

_AT = re.compile(rb"#\d+ \[(?:[^\]\n]*\s)?(\d{1,4}/\d{1,4})\] (.*)", re.DOTALL)
_LONGEST_INSTRUCTION = 80
_LONGEST_ERROR = 300
_LONGEST_LINE = 4096
_LONGEST_NAME = 65536
KILLED = ": killed, as the kernel does when memory runs out"
"""What is told of a step's exit code, unless another reason is known."""


class Step(NamedTuple):
    """A step of a Dockerfile: `number` as in 3/5, and its instruction."""

    number: str
    instruction: str

    def __str__(self) -> str:
        """Return it for people, as one short line: 3/5 RUN make."""
        return f"{self.number} {_one_line(self.instruction, _LONGEST_INSTRUCTION)}"


class Progress:
    """Gives the steps in BuildKit's output, which comes in pieces, other names.

    `name` returns what to show for a name of BuildKit's.
    """

    def __init__(self, name: Callable[[str], str]) -> None:
        self._name = name
        self._line = b""
        self._is_named: re.Pattern[bytes] | None = _BEGUN

    def read(self, piece: bytes) -> tuple[bytes, Step | None]:
        """Return a piece with our names, and the last step that the output turned to in it.

        The output of a step is never mistaken for a name: BuildKit puts a prefix before each line.
        A line that may have a name comes once it is complete, all others as they come.
        """
        shown: list[bytes] = []
        step: Step | None = None
        *lines, rest = piece.split(b"\n")
        for line in lines:
            text = self._take(line)
            if self._is_named is _BEGUN and (found := _AT.match(text)):
                step = _read_step(*found.groups())
            shown.append(text + b"\n")
            self._is_named = _NEXT.get(self._line)
            self._line = b""
        shown.append(self._take(rest) if self._is_named is None else self._hold(rest))
        return b"".join(shown), step

    def end(self) -> bytes:
        """Return what is left of the output."""
        return b"" if self._is_named is None else self._take(b"")

    def _take(self, part: bytes) -> bytes:
        """Return the rest of a line, or a whole line in which a name may be."""
        self._hold(part)
        if self._is_named is None:
            return part
        match = self._is_named.fullmatch(self._line)
        if match is None:
            return self._line
        return match[1] + self._name(match[2].decode(errors="replace")).encode() + match[3]

    def _hold(self, part: bytes) -> bytes:
        self._line = (self._line + part)[:_LONGEST_NAME]
        return b""


def _read_step(number: bytes, instruction: bytes) -> Step:
    return Step(number.decode(), instruction[:_LONGEST_LINE].decode(errors="replace"))


def buildkit_failure(output: str) -> ExecutorError:
    """Return why a build failed, by the end of its output."""
    error = last_error(output)
    if fault := blame.find_fault(error):
        return fault
    steps = _STEP.findall(output)
    code = _EXIT_CODE.search(error)
    step = Step(*steps[-1]) if steps else None
    return failure(step, error, int(code.group(1)) if code else None)


def last_error(output: str) -> str:
    """Return BuildKit's last error in a build's output, "" if there is none."""
    errors = _ERROR.findall(output) or _NO_DAEMON.findall(output)
    return str(errors[-1]) if errors else ""


def refused(refusal: Refusal) -> BuildFailed:
    """Return the failure of a build for which docker was not let fetch something."""
    return BuildFailed(f"The image could not be built: {refusal.why}. {refusal.advice}.")


def classic_failure(step: Step | None, error: str, exit_code: int | None) -> ExecutorError:
    """Return why the classic builder failed at `step`; only commands have an exit code."""
    fault = blame.find_fault(error) if exit_code is None else None
    return fault or failure(step, error, exit_code)


def failure(step: Step | None, error: str, exit_code: int | None) -> BuildFailed:
    """Return the failure of `step`, or of the whole Dockerfile, for the builder's `error`."""
    advice = "The log has the details: fix it, push, and open the new commit's address."
    error = _one_line(error, _LONGEST_ERROR).rstrip(".")
    if step is None:
        why = close(error or "the builder failed without a message")
        return BuildFailed(f"The image could not be built: {why} {advice}", exit_code)
    instruction = _one_line(step.instruction, _LONGEST_INSTRUCTION)
    how = f" ({error})" if error else ""
    if exit_code is not None:
        how = f" (exit code {exit_code}{KILLED if exit_code == 137 else ''})"
    mark = "" if instruction.endswith("…") else "."
    sentence = f"Step {step.number} of the Dockerfile failed{how}: {instruction}{mark}"
    return BuildFailed(f"{sentence} {advice}", exit_code)


def too_slow(limit: float) -> BuildFailed:
    """Return the failure of a build that took longer than `limit` seconds."""
    return BuildFailed(
        f"The build did not finish within {limit:g} s. The log shows which step takes so long."
    )


def _one_line(text: str, longest: int) -> str:
    """Return text from outside as one line, without invisible and direction characters."""
    cut = text[:_LONGEST_LINE]
    line = " ".join("".join(c if c.isprintable() else " " for c in cut).split())
    return line if len(line) <= longest else line[: longest - 1] + "…"
