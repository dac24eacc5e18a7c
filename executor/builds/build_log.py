"""Finds in a build's output which step runs, and why the build failed. Pure.

In BuildKit's plain progress each line begins with the number of its step. A step's first line
shows its instruction:

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
_BEGUN = re.compile(rb"^#\d+ \[(?:[^\]\n]*\s)?(\d{1,4}/\d{1,4})\] (.*)$", re.MULTILINE)
_LONGEST_INSTRUCTION = 80
_LONGEST_ERROR = 300
_LONGEST_LINE = 4096
KILLED = ": killed, as the kernel does when memory runs out"
"""What is told of a step's exit code, unless another reason is known."""


class Step(NamedTuple):
    """A step of a Dockerfile: `number` as in 3/5, and its instruction."""

    number: str
    instruction: str

    def __str__(self) -> str:
        """Return it for people, as one short line: 3/5 RUN make."""
        return f"{self.number} {_one_line(self.instruction, _LONGEST_INSTRUCTION)}"


class StepReader:
    """Finds in BuildKit's output, piece by piece, which step of the Dockerfile runs."""

    def __init__(self) -> None:
        self._line = b""

    def read(self, piece: bytes) -> Step | None:
        """Return the last step in the lines that end in `piece`, None if there is none.

        The output of a step is never mistaken for one: BuildKit puts a prefix before each line.
        """
        lines, end, rest = piece.rpartition(b"\n")
        if not end:
            self._line = (self._line + rest)[:_LONGEST_LINE]
            return None
        lines, self._line = self._line + lines, rest[:_LONGEST_LINE]
        found = _BEGUN.findall(lines)
        return _read_step(*found[-1]) if found else None


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
