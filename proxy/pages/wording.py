"""The waiting room's words: for states, for steps, and for what to do after a failure."""

import math
from collections.abc import Mapping
from typing import NamedTuple

from prevs.states import Cause

SENTENCES = {
    "": "Nobody has requested this version yet.",
    "queued": "Waiting for a place to run.",
    "placed": "An agent has taken it and is getting ready.",
    "building": "Building its image.",
    "building/fetching": "Fetching the commit.",
    "starting": "Starting its container.",
    "starting/checking": "Its container is running; waiting for the first answer.",
    "running": "It answers. Letting you in.",
    "draining": "Its last run is ending.",
    "stopped": "It was stopped.",
    "failed": "It could not be started.",
    "again": "Waiting for its next try.",
    "refused": "It is running, but accepts no connections right now.",
}
"""What a visitor reads for a state, a state and phase, a next try, or a refused connection."""

WORDS = {
    "": "Not started",
    "queued": "Waiting",
    "placed": "Getting ready",
    "building": "Building",
    "starting": "Starting",
    "running": "Running",
    "draining": "Ending",
    "stopped": "Stopped",
    "failed": "Failed",
}
"""The first word of a tab's title."""

STEPS = {
    "queued": "Queued",
    "placed": "Placed on an agent",
    "fetching": "Fetching the commit",
    "building": "Building its image",
    "starting": "Starting its container",
    "checking": "Waiting for its first answer",
}
"""The steps of an attempt, in order."""

FAILED_AT = {
    "queued": "It failed before it had a place to run.",
    "placed": "It failed on its way to an agent.",
    "fetching": "It failed while fetching its commit.",
    "building": "It failed while building its image.",
    "starting": "It failed while starting its container.",
    "checking": "It failed before it answered.",
}
FAILED_FOR = {Cause.SETTINGS_INVALID.value: "The settings in its commit cannot be used."}
"""The sentence for a failure with this cause, at any step."""
FAILED_RUNNING = "It ran, and then failed."


class Advice(NamedTuple):
    """What to do next; `command` is for a terminal and contains {app}, or it is empty."""

    text: str
    command: str = ""


_SET = "prevs app set {app} "
_LOGS = "prevs logs {app} {handle}"
_ADVICE: Mapping[str, Advice] = {
    Cause.REPOSITORY_UNREACHABLE.value: Advice(
        "If the repository has moved, set its new address. If it is only unreachable now, retry.",
        _SET + "--repository URL",
    ),
    Cause.COMMIT_MISSING.value: Advice(
        "Look for the version that took its place among the app's branches and tags.",
        "prevs refs {app}",
    ),
    Cause.DOCKERFILE_MISSING.value: Advice(
        "Before a push, this shows what would be built and run, and from which file.",
        "prevs app check REPOSITORY",
    ),
    Cause.BUILD_FAILED.value: Advice(
        "The end of the log shows what went wrong. Push a commit that fixes it, and open that "
        "commit's address, or its branch's. Retry if only a download failed.",
    ),
    Cause.START_FAILED.value: Advice(
        "Often the Dockerfile's CMD or ENTRYPOINT names a program that is not in the image or is "
        "not executable."
    ),
    Cause.APP_EXITED.value: Advice(
        "With a token, you can read its last output in the log. An application must keep running "
        "in the foreground.",
        _LOGS,
    ),
    Cause.COMPANION_FAILED.value: Advice(
        "With a token, you can read the last output of the container beside the application in "
        "the log.",
        _LOGS,
    ),
    Cause.PREVIEW_STOPPED.value: Advice(
        "Open the preview's address, and start the job again while it runs."
    ),
    Cause.NEVER_LISTENED.value: Advice(
        "If it listens on another port, set that port.", _SET + "--port PORT"
    ),
    Cause.UNHEALTHY.value: Advice(
        "If another path answers when it is ready, set that path.", _SET + "--health PATH"
    ),
    Cause.OUT_OF_MEMORY.value: Advice("Give the app more memory.", _SET + "--mem MB"),
    Cause.DOCKER_UNAVAILABLE.value: Advice(
        "This is not the app's fault: the agents' operator must check them. A retry may find "
        "another agent."
    ),
    Cause.AGENT_UNFIT.value: Advice(
        "Nothing is wrong with this version: the agents' operator must check them. A retry may "
        "find another agent."
    ),
    Cause.REGISTRY_UNREACHABLE.value: Advice(
        "Check the addresses after FROM and ADD in the Dockerfile. If they are right, the "
        "agents' operator must check the network; a retry may find another agent."
    ),
    Cause.AGENT_OPEN.value: Advice(
        "It comes from a fork, and needs an agent that isolates strangers' code: the agents' "
        "operator must check them. A retry may find another agent."
    ),
    Cause.TASK_LOST.value: Advice("Its agent went away. A retry finds another one."),
    Cause.TASK_REJECTED.value: Advice(
        "This is not the app's fault: the operator of prevs finds the reason in its log."
    ),
    Cause.EXECUTOR_FAILED.value: Advice(
        "This is not the app's fault: the operator of prevs finds the reason in the log. A retry "
        "may help."
    ),
    Cause.SETTINGS_INVALID.value: Advice(
        "Fix these lines and push: the address of the branch leads to the new commit."
    ),
    Cause.HOOK_FAILED.value: Advice(
        "With a token, you can read the hook's last output in the log. Push a commit that fixes "
        "it, or retry if it was only bad luck.",
        _LOGS,
    ),
    Cause.DISK_FULL.value: Advice("Make the app write less, or clean up after itself."),
    Cause.COMMIT_TOO_LARGE.value: Advice(
        "Push a commit with fewer or smaller files: the address of its branch leads there."
    ),
}


def find_sentence(state: str, phase: str) -> str:
    """Return the sentence for a preview's state and phase."""
    return SENTENCES.get(f"{state}/{phase}") or SENTENCES.get(state) or state


def describe_label(label: str, *, apart: bool) -> str:
    """Return at which label a member of a variant is; `label` is "" if visitors may not see it."""
    if apart:
        return label or "in this variant alone"
    return f"{label}, as usual" if label else "as usual"


def find_advice(cause: str, app: str, handle: str) -> Advice:
    """Return what to do after a failure with that cause; `handle` names the preview."""
    found = _ADVICE.get(cause, Advice("The log may show why. A retry may help.", _LOGS))
    return found._replace(command=found.command.format(app=app, handle=handle))


def spell(seconds: float) -> str:
    """Return a duration for people: "0.4 s", "12 s", "1 min 5 s", "2 h 3 min"."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if not minutes:
        return f"{rest} s"
    hours, minutes_left = divmod(minutes, 60)
    return f"{hours} h {minutes_left} min" if hours else f"{minutes} min {rest} s"


def spell_about(seconds: float) -> str:
    """Return an approximate duration in whole seconds, rounded up."""
    return spell(float(math.ceil(seconds))).replace(".0", "")


def spell_age(seconds: float) -> str:
    """Return the age of something in words: "just now", "5 minutes ago", "3 days ago"."""
    for name, size in (
        ("year", 31_556_952),
        ("month", 2_629_746),
        ("day", 86_400),
        ("hour", 3600),
        ("minute", 60),
    ):
        if seconds >= size:
            count = int(seconds // size)
            return f"{count} {name}{'' if count == 1 else 's'} ago"
    return "just now"
