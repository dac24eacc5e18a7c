"""An API whose app `hello` has three branches, and callers with each scope."""

from collections.abc import Mapping
from typing import Any

import httpx
import pytest

from framework.access import Scope
from prevs.states import State
from tests.fakes.asgi import ApiInProcess

A, B, C = "a" * 40, "b" * 40, "c" * 40
HEADS: Mapping[str, str] = {"main": A, "v1": B, "v2": C}


def rule(path: str, label: str, **more: Any) -> dict[str, Any]:
    """Return a rule with one target."""
    return {"path": path, "to": [{"label": label}], **more}


def gate(*rules: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return a gate of hello."""
    return {"app": "hello", "rules": list(rules or [rule("/", "main")]), **more}


class GatesApi(ApiInProcess):
    """The API, with calls about gates by somebody with a scope."""

    def __init__(self) -> None:
        super().__init__()
        self._headers: dict[Scope, dict[str, str]] = {}

    def ask(
        self, method: str, path: str = "", scope: Scope = Scope.ADMIN, **request: Any
    ) -> httpx.Response:
        """Return the answer to a call about gates."""
        if scope not in self._headers:
            _, token = self.tokens.add_token(f"a-{scope.value}", scope)
            self._headers[scope] = {"Authorization": f"Bearer {token}"}
        headers = {**self._headers[scope], **request.pop("headers", {})}
        return self.send(method, f"/v1/gates{path}", headers=headers, **request)

    def write(self, order: dict[str, Any], name: str = "api", query: str = "") -> httpx.Response:
        """Return the answer to writing a gate."""
        return self.ask("PUT", f"/{name}{query}", json=order)

    def start(self, label: str) -> httpx.Response:
        """Return the answer to a visit of a label of hello."""
        self.ask("GET", scope=Scope.USE)
        order = {"app": "hello", "label": label}
        return self.send("POST", "/v1/previews", json=order, headers=self._headers[Scope.USE])

    def run(self, *labels: str) -> None:
        """Let the previews of labels run."""
        for label in labels:
            fields: dict[str, Any] = {"labels": (label,), "task_id": f"of-{label}"}
            self.previews.put("hello", HEADS[label], State.RUNNING, **fields)
        self.gates.reconcile()


@pytest.fixture
def api(api: ApiInProcess) -> GatesApi:
    """Replace the API of all tests."""
    own = GatesApi()
    own.previews.known_apps.update(api.previews.known_apps)
    for label, sha in HEADS.items():
        own.refs.put("hello", label, sha)
    return own
