"""The steps of an attempt: how long each took, and how long it usually takes."""

from collections.abc import Sequence
from typing import NamedTuple

from cli.client.generated.records import Preview
from cli.display.sentences import brief
from prevs.step_status import StepStatus, find_statuses


class StepView(NamedTuple):
    """A step as it is shown; `took` and `usual` are in seconds, None if not known.

    For the current step, `took` is the time until now.
    """

    name: str
    status: StepStatus
    took: float | None
    usual: float | None


def view(preview: Preview, now: float) -> Sequence[StepView]:
    """Return the steps of a preview's current or last attempt at `now`; none if it has none.

    Steps that an ended attempt never reached have no times.
    """
    steps = preview.get("steps", [])
    times = [(step["began"], step["ended"]) for step in steps]
    is_over = preview["state"] in {"failed", "stopped"}
    until = preview["changed"] if is_over else now
    seen = []
    for step, status in zip(
        steps, find_statuses(preview["state"], times, preview["changed"]), strict=True
    ):
        began, ended = step["began"], step["ended"]
        took = None if began is None else max(0.0, (until if ended is None else ended) - began)
        usual = None if is_over and status is StepStatus.NEXT else step["usual"]
        seen.append(StepView(step["name"], status, took, usual))
    return seen


def describe(step: StepView) -> str:
    """Return a step's times: "12 s so far, usually 40 s"."""
    took = "" if step.took is None else brief(step.took)
    so_far = f"{took} so far" if step.status is StepStatus.NOW else took
    ended_here = f"{took} until it failed" if step.status is StepStatus.FAILED else so_far
    usual = "" if step.usual is None else f"usually {brief(step.usual)}"
    parts = [part for part in (ended_here, usual) if part]
    return ", ".join(parts) if step.status is not StepStatus.SKIPPED else "skipped"
