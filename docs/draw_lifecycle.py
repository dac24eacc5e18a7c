"""Draws docs/lifecycle.md from the table in framework/lifecycle.py.

Run it at the top of the repository: `PYTHONPATH=. python docs/draw_lifecycle.py`.
tests/unit/framework/test_lifecycle.py fails while the page and the table differ.
"""

import pathlib

from framework.lifecycle import TRANSITIONS
from prevs.states import State

PAGE = pathlib.Path(__file__).with_name("lifecycle.md")

INTRODUCTION = """\
# The life of a preview

Drawn from the table in `framework/lifecycle.py` by `docs/draw_lifecycle.py`; change those.
An event that has no row for a state is illegal there: it is logged, counted, and changes nothing.
"""


def page() -> str:
    """Return the text of docs/lifecycle.md."""
    return "\n".join([INTRODUCTION, *_diagram(), "", *_table(), ""])


def _diagram() -> list[str]:
    edges: dict[tuple[State, State], list[str]] = {}
    for (before, event), after in TRANSITIONS.items():
        if before != after:
            edges.setdefault((before, after), []).append(event.value)
    lines = [
        f"    {before.value} --> {after.value}: {' / '.join(events)}"
        for (before, after), events in edges.items()
    ]
    return ["```mermaid", "stateDiagram-v2", "    [*] --> queued", *lines, "```"]


def _table() -> list[str]:
    rows = [
        f"| {before.value} | {event.value} | {after.value} |"
        for (before, event), after in TRANSITIONS.items()
    ]
    return ["| state | event | next state |", "|---|---|---|", *rows]


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
