"""Draws docs/lifecycle.md and docs/lifecycle.svg from the table in framework/units/lifecycle.py.

Run it at the top of the repository: `PYTHONPATH=. python docs/draw_lifecycle.py`.
tests/unit/framework/units/test_lifecycle.py fails while pages and table differ. Where a change of
state is new, it wants a place in _PLACES.
"""

import pathlib
from collections.abc import Mapping
from typing import NamedTuple

from framework.units.lifecycle import (
    JOB,
    OF_ALL,
    OF_JOBS,
    OF_PREVIEWS,
    PREVIEW,
    TRANSITIONS,
    Event,
    Stage,
)
from prevs.states import State

PAGE = pathlib.Path(__file__).with_name("lifecycle.md")
PICTURE = pathlib.Path(__file__).with_name("lifecycle.svg")

INTRODUCTION = """\
# The life of a unit

A unit is a preview or a job. It waits for an agent, has an attempt there, and comes to an end: a preview serves until it is stopped, a job finishes.
An event without a row for a state is illegal in that state: the framework logs and counts it, and changes nothing.
Here is the life of a preview:

![The states of a preview, and what leads from one to the next](lifecycle.svg)

`docs/draw_lifecycle.py` draws this page from the table in `framework/units/lifecycle.py`, which says why it is so; change those.
"""  # noqa: E501
_TASK = (State.PLACED, State.BUILDING, State.STARTING, State.RUNNING)
_BOXES = {
    State.QUEUED: (50, 120),
    State.PLACED: (250, 120),
    State.BUILDING: (385, 120),
    State.STARTING: (520, 120),
    State.RUNNING: (655, 120),
    State.STOPPED: (50, 290),
    State.DRAINING: (385, 290),
    State.FAILED: (655, 290),
}
_WIDTH, _HEIGHT = 96, 40


class _Place(NamedTuple):
    """Where a change of state is drawn: its line, and its words unless another has the same."""

    line: str
    x: int = 0
    y: int = 0
    anchor: str = "middle"


_PLACES = {
    (State.QUEUED, State.PLACED): _Place("M146 140H248", 184, 132),
    (State.QUEUED, State.STOPPED): _Place("M74 160V288", 66, 228, "end"),
    (State.QUEUED, State.FAILED): _Place("M146 150C196 160 190 352 250 352H690V332", 500, 346),
    (State.STOPPED, State.QUEUED): _Place("M122 290V162", 130, 204, "start"),
    (State.PLACED, State.BUILDING): _Place("M346 140H383"),
    (State.BUILDING, State.STARTING): _Place("M481 140H518"),
    (State.STARTING, State.RUNNING): _Place("M616 140H653"),
    (State.PLACED, State.STARTING): _Place("M320 118C340 94 520 94 550 118"),
    (State.BUILDING, State.RUNNING): _Place("M455 118C480 94 660 94 685 118"),
    (State.PLACED, State.RUNNING): _Place("M300 118C330 72 690 72 712 118", 506, 78),
    (_TASK, State.QUEUED): _Place("M506 50V24H98V118", 302, 16),
    (_TASK, State.DRAINING): _Place("M433 172V288", 441, 228, "start"),
    (_TASK, State.FAILED): _Place("M703 172V288", 711, 228, "start"),
    (State.DRAINING, State.STOPPED): _Place("M385 318H148", 266, 336),
    (State.DRAINING, State.QUEUED): _Place("M385 302C280 302 250 210 138 164", 246, 208, "start"),
    (State.FAILED, State.QUEUED): _Place("M703 330V370H-42V140H48", 362, 388),
}
_STYLE = """\
  <style>
    svg { background: #fff; color: #1d2733 }
    .box { fill: #e3f0ff; stroke: #1f6fd1; stroke-width: 1.4 } .group { fill: #f4f7fb; stroke: #5b6b7f; stroke-width: 1.4 }
    .line { fill: none; stroke: #5b6b7f; stroke-width: 1.4; marker-end: url(#arrow) }
    text { fill: #1d2733 } .small { font-size: 12px; fill: #4a5868 } .b { font-weight: 600 }
    @media (prefers-color-scheme: dark) {
      svg { background: #12171d } .box { fill: #14304f; stroke: #62a5f5 } .group { fill: #1d2530; stroke: #8494a8 }
      .line { stroke: #8494a8 } text { fill: #e6ecf3 } .small { fill: #a9b6c5 }
    }
  </style>
"""  # noqa: E501


def page() -> str:
    """Return the text of docs/lifecycle.md."""
    return "\n".join([INTRODUCTION, *_tables(), ""])


def picture() -> str:
    """Return the text of docs/lifecycle.svg. Raises KeyError for a change that has no place."""
    lines = [_STYLE + _fixed()]
    for (before, after), events in _changes().items():
        place = _PLACES[before, after]
        lines.append(f'  <path class="line" d="{place.line}"/>')
        if place.x:
            lines.append(_words(" / ".join(events), place))
    for state, (x, y) in _BOXES.items():
        middle = f'x="{x + _WIDTH // 2}" y="{y + 25}" text-anchor="middle"'
        lines.append(
            f'  <rect class="box" x="{x}" y="{y}" width="{_WIDTH}" height="{_HEIGHT}" rx="8"/>'
            f'<text class="b" {middle}>{state.value}</text>'
        )
    head = (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="-62 0 950 400" role="img" '
        'aria-labelledby="t" font-family="system-ui, sans-serif" font-size="14">\n'
        '  <title id="t">The states of a preview, and what leads from one to the next</title>\n'
    )
    return head + "\n".join(lines) + "\n</svg>\n"


def _fixed() -> str:
    return (
        '  <defs><marker id="arrow" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="8" '
        'markerHeight="8" orient="auto-start-reverse"><path d="M0 0 10 5 0 10z" fill="#5b6b7f"/>'
        "</marker></defs>\n"
        '  <rect class="group" x="230" y="52" width="541" height="120" rx="10"/>\n'
        '  <text class="small" x="244" y="70">has a task</text>'
    )


def _words(text: str, place: _Place) -> str:
    return (
        f'  <text class="small" x="{place.x}" y="{place.y}" text-anchor="{place.anchor}">'
        f"{text}</text>"
    )


def _changes() -> dict[tuple[State | tuple[State, ...], State], list[str]]:
    """Return each line that is to be drawn: one for all states with a task where all have it."""
    edges: dict[tuple[State, State], list[str]] = {}
    for (before, event), after in TRANSITIONS.items():
        if isinstance(before, State) and isinstance(after, State) and before is not after:
            edges.setdefault((before, after), []).append(event.value)
    drawn: dict[tuple[State | tuple[State, ...], State], list[str]] = {}
    for (before, after), events in edges.items():
        common = before in _TASK and all((state, after) in edges for state in _TASK)
        of_all = drawn.setdefault((_TASK if common else before, after), [])
        of_all.extend(event for event in events if event not in of_all)
    return drawn


def _tables() -> list[str]:
    return [
        "## Of previews and jobs",
        "Where the two have different names for a state, the job's is the second one.",
        "",
        *_rows({(_both(stage), event): _both(after) for (stage, event), after in OF_ALL.items()}),
        "",
        "## Of previews alone",
        *_rows(
            {(state.value, event): after.value for (state, event), after in OF_PREVIEWS.items()}
        ),
        "",
        "## Of jobs alone",
        *_rows({(state.value, event): after.value for (state, event), after in OF_JOBS.items()}),
    ]


def _both(stage: Stage) -> str:
    """Return the names of a stage: that of the preview's state, and the job's if it differs."""
    return "; ".join(dict.fromkeys((PREVIEW[stage].value, JOB[stage].value)))


def _rows(table: Mapping[tuple[str, Event], str]) -> list[str]:
    rows = [f"| {before} | {event.value} | {after} |" for (before, event), after in table.items()]
    return ["| state | event | next state |", "|---|---|---|", *rows]


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    PICTURE.write_text(picture(), encoding="utf-8")
