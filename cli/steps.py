"""How far an attempt is: its steps, what each took, and what is usual."""

import enum
from collections.abc import Sequence
from typing import NamedTuple

from cli.answers import Preview
from cli.sentences import brief


class Stage(enum.Enum):
    """Where a step is."""

    OVER = "over"
    NOW = "now"
    BROKEN = "broken"  # the attempt ended in it
    SKIPPED = "skipped"
    TO_COME = "to come"


class StepView(NamedTuple):
    """A step as it is shown; `took` and `usual` are in seconds, None where there is no such time.

    Of a step that goes on, `took` is up to now.
    """

    name: str
    stage: Stage
    took: float | None
    usual: float | None


def view(preview: Preview, now: float) -> Sequence[StepView]:
    """Return the steps of a preview's current or last attempt at `now`; none where none is told."""
    steps = preview.get("steps", [])
    begun = [number for number, step in enumerate(steps) if step["began"] is not None]
    last = begun[-1] if begun else -1
    is_over = preview["state"] in {"failed", "stopped"}
    seen = []
    for number, step in enumerate(steps):
        began, ended = step["began"], step["ended"]
        if began is None:
            stage = Stage.SKIPPED if number < last or is_over else Stage.TO_COME
        elif number == last and preview["state"] == "failed":
            stage = Stage.BROKEN
        else:
            stage = Stage.OVER if ended is not None or is_over else Stage.NOW
        until = preview["changed"] if is_over else now
        took = None if began is None else max(0.0, (until if ended is None else ended) - began)
        seen.append(StepView(step["name"], stage, took, step["usual"]))
    return seen


def describe(step: StepView) -> str:
    """Return a step's times: "12 s so far, usually 40 s"."""
    took = "" if step.took is None else brief(step.took)
    so_far = f"{took} so far" if step.stage is Stage.NOW else took
    ended_here = f"{took} until it failed" if step.stage is Stage.BROKEN else so_far
    usual = "" if step.usual is None else f"usually {brief(step.usual)}"
    said = [part for part in (ended_here, usual) if part]
    return ", ".join(said) if step.stage is not Stage.SKIPPED else "skipped"
