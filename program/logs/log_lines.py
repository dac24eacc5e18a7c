"""Formats log lines. It needs no libraries, as the executor writes the same lines.

A line is always one line of printable characters: anybody may have written a name, a ref or the
output of a program, and terminals obey control characters. The fields `app`, `commit` (12 digits),
`task` and `request` mean the same in every program.
"""

import json
from collections.abc import Callable, Mapping

from prevs import names

FORMS = ("logfmt", "json")
"""The values of PREVS_LOG."""
COMMIT_DIGITS = 12

Render = Callable[[Mapping[str, object]], str]


def name_attempt(task_id: str) -> dict[str, str]:
    """Return the fields that name a line's attempt; for a task that is not ours, only the task."""
    read = names.read_task_id(task_id)
    if read is None:
        return {"task": task_id} if task_id else {}
    return {"app": read.app, "commit": read.sha[:COMMIT_DIGITS], "task": task_id}


def logfmt(fields: Mapping[str, object]) -> str:
    """Return a line of key=value, quoted if needed."""
    return " ".join(f"{key}={_value(value)}" for key, value in fields.items())


def as_json(fields: Mapping[str, object]) -> str:
    """Return a line with one JSON object, in ASCII."""
    return json.dumps(fields, default=str)


def renderer(form: str) -> Render:
    """Return the function that formats lines in a form of FORMS."""
    return as_json if form == "json" else logfmt


def _value(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    text = str(value)
    if text.isprintable() and not any(c in text for c in ' ="\\'):
        return text
    return '"' + "".join(map(_character, text)) + '"'


def _character(c: str) -> str:
    if c in '"\\':
        return f"\\{c}"
    return c if c.isprintable() else c.encode("unicode_escape").decode()
