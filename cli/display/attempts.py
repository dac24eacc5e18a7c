"""The earlier attempts of a preview: all but the one whose log it has now."""

from collections.abc import Sequence
from typing import Protocol

from cli.client.generated.records import Attempt, Attempts, Preview
from cli.display.sentences import ago, brief
from cli.display.terminal import one_line
from cli.errors import ApiRefused, NotDone


class HasAttempts(Protocol):
    """The call that lists attempts. `Api` has it."""

    def list_attempts(self, app: str, sha: str) -> Attempts:
        """Return the last attempts of a preview, the newest first."""
        ...


def find_earlier(api: HasAttempts, preview: Preview) -> list[Attempt]:
    """Return a preview's attempts before the one whose log it has now, the newest first.

    An older framework keeps none.
    """
    try:
        found = api.list_attempts(preview["app"], preview["sha"])["attempts"]
    except ApiRefused as refused:
        if refused.problem.slug != "not-found":
            raise
        return []
    # A queued preview has no log until its next attempt begins.
    current = None if preview["state"] == "queued" else preview["task_id"]
    return [one for one in found if one["task_id"] != current and one["ended"] is not None]


def find_previous(api: HasAttempts, preview: Preview, label: str) -> int:
    """Return the number of the previous attempt. Raises NotDone if there is none."""
    earlier = find_earlier(api, preview)
    if not earlier:
        app = preview["app"]
        raise NotDone(
            "This preview has no earlier attempt.",
            f"`prevs logs {app} {label}` prints the last log.",
        )
    return earlier[0]["number"]


def rows(earlier: Sequence[Attempt], now: float) -> list[tuple[str, str]]:
    """Return the rows about attempts for a table of details."""
    return [("" if at else "earlier", describe(one, now)) for at, one in enumerate(earlier)]


def describe(attempt: Attempt, now: float) -> str:
    """Return how an attempt ended: "attempt 2 failed 3 min ago, after 12 s: Why"."""
    ended = attempt["ended"] or now
    took = brief(max(0.0, ended - attempt["began"]))
    outcome = f"attempt {attempt['number']} {attempt['outcome']} {ago(ended, now)}, after {took}"
    why = one_line(attempt["why"]).removesuffix(".")
    sentence = f"{outcome}: {why}" if why else outcome
    return sentence if attempt["log_kept"] else f"{sentence}; its log is not kept"
