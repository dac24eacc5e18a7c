"""A log line as text. No libraries: the executor writes the same lines.

Whatever a value holds, a line stays one line of printable characters: names, refs and what a
program said are from strangers, and a terminal obeys more than line breaks. The fields that mean
the same in every program are `app`, `commit` (12 digits), `task` and `request`.
"""

import json
from collections.abc import Callable, Mapping

from prevs import names

FORMS = ("logfmt", "json")
"""What PREVS_LOG may be."""
COMMIT_DIGITS = 12

Render = Callable[[Mapping[str, object]], str]


def name_attempt(task_id: str) -> dict[str, str]:
    """Return the fields that say of which attempt a line is; of a task not ours, just that."""
    read = names.read_task_id(task_id)
    if read is None:
        return {"task": task_id} if task_id else {}
    return {"app": read.app, "commit": read.sha[:COMMIT_DIGITS], "task": task_id}


def logfmt(fields: Mapping[str, object]) -> str:
    """Return a line of key=value, quoted where that is needed."""
    return " ".join(f"{key}={_value(value)}" for key, value in fields.items())


def as_json(fields: Mapping[str, object]) -> str:
    """Return a line with one JSON object, in ASCII."""
    return json.dumps(fields, default=str)


def renderer(form: str) -> Render:
    """Return what makes the lines of a form of FORMS."""
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
