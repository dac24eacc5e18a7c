"""How a pull request's head stands, for its comment and its status. Pure."""

from framework.ports.telling import Light
from framework.pulls import gate
from framework.pulls.gate import Rules, Verdict
from framework.telling.wording import Standing, quote, shorten
from prevs import names
from prevs.pulls import PullRecord
from prevs.records import PreviewRecord
from prevs.states import Cause, State

_BEFORE_START = frozenset(
    {
        Cause.REPOSITORY_UNREACHABLE,
        Cause.COMMIT_MISSING,
        Cause.DOCKERFILE_MISSING,
        Cause.BUILD_FAILED,
        Cause.SETTINGS_INVALID,
        Cause.COMMIT_TOO_LARGE,
        Cause.DISK_FULL,
        Cause.REGISTRY_UNREACHABLE,
    }
)
"""The causes of failures for which no image came about."""
_UNOPENED = "starts when somebody opens it"
_WORDS = {
    State.PLACED: "being built",
    State.BUILDING: "being built",
    State.STARTING: "starting",
    State.RUNNING: "ready",
}
_STARTS = (State.PLACED, State.BUILDING, State.STARTING)
_COUNTED = 5
"""The longest place in the queue that is told: places change often, and each change is a write."""
_ORDINALS = ("1st", "2nd", "3rd", "4th", "5th")


def describe_skipped(label: str) -> Standing:
    """Return the standing of a head that asks to be passed over."""
    return Standing(
        f"skipped, as its commit or title asks; who opens `{label}` has it built all the same",
        "skipped",
        Light.SUCCESS,
        "skipped",
        is_quiet=True,
    )


def describe_gated(rules: Rules, pull: PullRecord) -> Standing | None:
    """Return the standing of a head that may not be built, None if it may be."""
    match gate.judge(rules, pull, pull.sha):
        case Verdict.WAITING:
            return Standing(
                "This comes from a fork. Somebody who may write to the repository can have this "
                "commit built, without the app's secrets, with a comment that is the line "
                f"`/prevs approve {pull.sha}`",
                "waits for approval",
                Light.SUCCESS,
                "fork: waits for approval",
            )
        case Verdict.REFUSED:
            return Standing(
                f"This comes from a fork, and **{pull.app}** does not build commits of forks",
                "not built",
                Light.SUCCESS,
                "fork: not built",
                is_quiet=True,
            )
    return None


def describe_preview(
    preview: PreviewRecord | None, place: int | None, *, label: str, url: str
) -> Standing:
    """Return the standing of a head that may be built.

    `preview` is None if nobody has opened it yet; `place` is its place in the queue, None if it
    has none. `url` is the commit's address.
    """
    if preview is None:
        return _describe_open(_UNOPENED, label, url)
    if preview.state is State.FAILED:
        return _describe_failure(preview, url)
    text = _WORDS.get(preview.state, _UNOPENED)
    if preview.state is State.QUEUED:
        text = _describe_queue(place)
    standing = _describe_open(text, label, url)
    # A commit that has run once is good: a check that merges need must not wait for its next start.
    if preview.state in _STARTS and not preview.step_seconds:
        return standing._replace(light=Light.PENDING, status="being built")
    return standing


def tell_same(standing: Standing, preview: PreviewRecord | None, sha: str) -> Standing:
    """Return the standing of a head `sha`, of which a `preview` of another commit may be shown."""
    if preview is None or preview.commit == sha or standing.light is Light.FAILURE:
        return standing
    same = f"the same as {names.short(preview.commit)}: nothing of {preview.app} changed"
    return standing._replace(
        markdown=f"{standing.markdown} \N{MIDDLE DOT} {same}",
        text=f"{standing.text}, {same}",
        status=same if standing.light is Light.SUCCESS else standing.status,
    )


def _describe_open(text: str, label: str, url: str) -> Standing:
    cell = f"[open it]({url}) \N{MIDDLE DOT} {text}"
    return Standing(cell, text, Light.SUCCESS, f"opens at {label}")


def _describe_queue(place: int | None) -> str:
    if place is None:
        return "waits for its next try"
    if place > _COUNTED:
        return f"waits for room (behind more than {_COUNTED} others)"
    return f"waits for room ({_ORDINALS[place - 1]} in the queue)"


def _describe_failure(preview: PreviewRecord, url: str) -> Standing:
    failure = preview.failure
    is_early = failure is not None and failure.cause in _BEFORE_START
    did_not = "did not build" if is_early else "did not start"
    if _ran(preview):
        did_not = "did not stay up"
    why = failure.message if failure else ""
    because, text = (f": {quote(why)}", f"{did_not}: {why}") if why else ("", did_not)
    cell = f"{did_not}{because} \N{MIDDLE DOT} [why, and its log]({url})"
    return Standing(cell, shorten(text), Light.FAILURE, shorten(text))


def _ran(preview: PreviewRecord) -> bool:
    return any(step.name == "running" for step in preview.steps)
