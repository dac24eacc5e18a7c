"""What a failed build's output comes down to. Pure.

BuildKit's plain progress ends in

    ------
     > [2/3] RUN make:
    ------
    ERROR: failed to solve: process "/bin/sh -c make" did not complete successfully: exit code: 2

with the stage's name before the numbers (`[web 2/3]`) where it has one.
"""

import re
from typing import NamedTuple

from executor.errors import BuildFailed, DockerUnavailable, ExecutorError

_STEP = re.compile(r"^ > \[(?:[^\]]*\s)?(\d+/\d+)\] (.*?):?$", re.MULTILINE)
_ERROR = re.compile(r"^ERROR: (?:failed to \w+: )?(.*)$", re.MULTILINE)
_EXIT_CODE = re.compile(r"exit code: (\d+)")
_NO_DAEMON = re.compile(r"Cannot connect to the Docker daemon|error during connect")
_LONGEST_INSTRUCTION = 80


class Step(NamedTuple):
    """A step of a Dockerfile: `number` as in 3/5, and its instruction."""

    number: str
    instruction: str


def buildkit_failure(output: str) -> ExecutorError:
    """Return why a build failed whose output ended in `output`."""
    if _NO_DAEMON.search(output):
        return DockerUnavailable(output.strip().splitlines()[-1].rstrip("."))
    errors = _ERROR.findall(output)
    error = errors[-1] if errors else ""
    steps = _STEP.findall(output)
    code = _EXIT_CODE.search(error)
    step = Step(*steps[-1]) if steps else None
    return failure(step, error, int(code.group(1)) if code else None)


def failure(step: Step | None, error: str, exit_code: int | None) -> BuildFailed:
    """Return the failure of `step`, or of the whole Dockerfile, for the builder's `error`."""
    advice = "The log has the details: mend it, push, and open the new commit's address."
    error = error.strip().rstrip(".")
    if step is None:
        said = error or "the builder failed and said nothing"
        return BuildFailed(f"The image could not be built: {said}. {advice}", exit_code)
    instruction = step.instruction.strip()
    if len(instruction) > _LONGEST_INSTRUCTION:
        instruction = instruction[: _LONGEST_INSTRUCTION - 1] + "…"
    how = f" (exit code {exit_code})" if exit_code is not None else f" ({error})" if error else ""
    sentence = f"Step {step.number} of the Dockerfile failed{how}: {instruction}."
    return BuildFailed(f"{sentence} {advice}", exit_code)


def too_slow(limit: float) -> BuildFailed:
    """Return the failure of a build that took longer than `limit` seconds."""
    return BuildFailed(
        f"The image was not built within {limit:g} s. The log shows which step takes so long."
    )
