"""Every way in which an attempt fails because of a companion; executor/errors.py has the rest.

ExecutorError
├── CompanionFailed              a companion ended, could not start, or was never ready
├── BuildFailed
│   └── CompanionImageMissing    its image cannot be pulled
├── PreviewStopped               the preview stopped beside which a job ran
├── RegistryUnreachable
│   └── CompanionRegistryUnreachable
└── DiskFull
    └── TogetherFull             the containers of the preview wrote too much together
"""

from __future__ import annotations

from executor.errors import (
    EXIT_HINTS,
    BuildFailed,
    DiskFull,
    ExecutorError,
    RegistryUnreachable,
    close,
)
from executor.ports import Exit
from prevs.companions import APPLICATION, Companion
from prevs.states import Cause

_OUTPUT = "The end of the log shows its last output, in the lines that begin with `{} |`."
_AGAIN = "push, and open the new commit's address"


class CompanionFailed(ExecutorError):
    """The companion `name` ended, could not start, or was not ready in time."""

    cause = Cause.COMPANION_FAILED

    def __init__(self, name: str, how: str, exit_code: int | None = None) -> None:
        super().__init__(f"The companion {name} {how}")
        self.name = name
        self.exit_code = exit_code


class PreviewStopped(ExecutorError):
    """The preview stopped whose companions a job reached; `when` says how far the job was."""

    cause = Cause.PREVIEW_STOPPED

    def __init__(self, when: str) -> None:
        super().__init__(
            f"The preview whose companions it uses stopped {when}. Open the preview's address and "
            "start the job again; without a running preview, the job has companions of its own."
        )


def ended(companion: Companion, end: Exit, whose: str) -> CompanionFailed:
    """Return why an attempt ends whose companion has ended; `whose` is "preview" or "job"."""
    name = companion.name
    with_it = f"and the {whose} ended with it."
    if end.out_of_memory:
        how = (
            f"was killed because it used more than its {companion.mem} MB of memory, {with_it} "
            f"Raise its `mem` in .prevs.toml, {_AGAIN}."
        )
    elif end.is_removed:
        how = f"was removed, and not by prevs, {with_it} Retry."
    elif end.code is None:
        how = f"ended while Docker did not answer, {with_it} Retry."
    elif companion.once:
        hint = EXIT_HINTS.get(end.code, "")
        how = (
            f"exited with code {end.code}{hint}, and has to exit with 0 before those after it may "
        )
        how += f"start. {_OUTPUT.format(name)}"
    else:
        hint = EXIT_HINTS.get(end.code, "")
        how = f"exited with code {end.code}{hint}, {with_it} "
        how += _OUTPUT.format(name)
    return CompanionFailed(name, how, end.code)


def not_ready(companion: Companion, limit: float, why: str) -> CompanionFailed:
    """Return why an attempt ends whose companion was not ready in time."""
    how = f"was not ready within {limit:g} s: {close(why)} {_OUTPUT.format(companion.name)}"
    return CompanionFailed(companion.name, how)


def not_started(companion: Companion, why: str) -> CompanionFailed:
    """Return why an attempt ends whose companion docker refused to start."""
    how = f"could not be started: {close(why)} Fix it in .prevs.toml, {_AGAIN}."
    return CompanionFailed(companion.name, how)


class CompanionImageMissing(BuildFailed):
    """The `image` of the companion `name` cannot be pulled, which is not the agent's fault."""

    def __init__(self, name: str, image: str, why: str, advice: str = "") -> None:
        advice = advice or (
            "Check its name in .prevs.toml; if it is private, the agents' operator must log them "
            f"in to its registry. Then {_AGAIN}, or retry"
        )
        super().__init__(
            f"The image {image} of {_whose(name)} cannot be pulled: {close(why)} {advice}."
        )
        self.image = image


class CompanionRegistryUnreachable(RegistryUnreachable):
    """The registry of the image of a companion does not answer this agent."""

    def __init__(self, name: str, image: str, why: str) -> None:
        ExecutorError.__init__(
            self,
            f"Docker could not pull the image {image} of {_whose(name)}: {close(why)} If its name "
            "is right, the agents' operator must make its registry reachable, or load it into the "
            "agents' Docker under that name; then retry.",
        )
        self.why = why


def _whose(name: str) -> str:
    return "the application" if name == APPLICATION else f"the companion {name}"


class TogetherFull(DiskFull):
    """What runs and its companions together wrote more than a preview may."""

    def __init__(self, limit: int, name: str, whose: str) -> None:
        ExecutorError.__init__(
            self,
            f"The {whose} was stopped because its containers together wrote more than {limit} MB "
            f"to the disk; {name} wrote last. Make them write less, or clean up after themselves, "
            "then retry. The agents' operators set the "
            "limit (PREVS_DISK_LIMIT).",
        )
        self.limit = limit
