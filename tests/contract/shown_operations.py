"""Prints, as JSON in its last line, what shows the API's operations, and one with its answers.

Run where `framework/http_api` may differ.
"""

import json
import sys
from collections.abc import Mapping
from typing import Any

from docs.generated import http_api
from framework.access import Scope
from generator.__main__ import make
from prevs.records import AppRecord
from tests.fakes.asgi import ApiInProcess
from tests.fakes.calls import CALLS

_BODY = {"text": "Hello"}


def main(name: str) -> None:
    """Print them; `name` is that of the function which answers the one."""
    described = http_api.describe()
    method, path, detail = next(
        (method.upper(), path, detail)
        for path, methods in described["paths"].items()
        for method, detail in methods.items()
        if detail["operationId"] == name
    )
    api = ApiInProcess()
    api.previews.add_app(AppRecord("hello", "/srv/git/hello"))
    made = make(described)
    found = {
        "described": detail,
        "calls": made["calls.py"],
        "records": made["records.pyi"],
        "docs": http_api.page(),
        "answers": _ask(api, method, path.format(app="hello")),
        "notes": api.notes(),
        "held to their declarations": list(CALLS),
    }
    json.dump(found, sys.stdout, default=str)


def _ask(api: ApiInProcess, method: str, path: str) -> Mapping[str, tuple[int, str]]:
    """Return the status and the text or the problem, for each kind of token."""
    answers = {"nobody": api.send(method, path, json=_BODY)}
    for scope in Scope:
        answers[scope.value] = api.send(method, path, json=_BODY, headers=api.bearer(scope))
    for app in ("hello", "shop"):
        headers = api.bearer(Scope.USE, app)
        answers[f"use of {app}"] = api.send(method, path, json=_BODY, headers=headers)
    return {who: (one.status_code, _read(one.json())) for who, one in answers.items()}


def _read(answer: Mapping[str, Any]) -> str:
    return str(answer.get("text") or answer["type"].rpartition(":")[2])


if __name__ == "__main__":
    main(sys.argv[1])
