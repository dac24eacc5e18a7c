"""An API with three apps, some of whose repositories have a branch, and callers with each scope."""

from collections.abc import Mapping
from typing import Any

import httpx
import pytest

from framework.access import Scope
from prevs.records import AppRecord, PreviewRecord
from prevs.states import State
from tests.fakes.asgi import ApiInProcess, refusal

HEADS: Mapping[str, Mapping[str, str]] = {
    "web": {"main": "a" * 40, "v1": "b" * 40},
    "cart": {"main": "c" * 40, "feature-x": "d" * 40},
    "mail": {"master": "e" * 40, "feature-x": "f" * 40},
}
MEMBERS = {"web": {"app": "web"}, "cart": {"app": "cart"}}


def stack(**members: Any) -> dict[str, Any]:
    """Return a stack, whose entry is its first member."""
    found = members or MEMBERS
    return {"entry": next(iter(found)), "members": {**found}}


class StacksApi(ApiInProcess):
    """The API, with calls about stacks by somebody with a scope."""

    def __init__(self) -> None:
        super().__init__()
        self._headers: dict[Scope, dict[str, str]] = {}
        for app, heads in HEADS.items():
            self.previews.add_app(AppRecord(app, f"/srv/git/{app}"))
            for label, sha in heads.items():
                self.refs.put(app, label, sha)

    def ask(
        self, method: str, path: str = "", scope: Scope = Scope.ADMIN, **request: Any
    ) -> httpx.Response:
        """Return the answer to a call about stacks."""
        if scope not in self._headers:
            _, token = self.tokens.add_token(f"a-{scope.value}", scope)
            self._headers[scope] = {"Authorization": f"Bearer {token}"}
        return self.send(method, f"/v1/stacks{path}", headers=self._headers[scope], **request)

    def write(self, order: dict[str, Any] | None = None, query: str = "") -> httpx.Response:
        """Return the answer to writing the stack `shop`."""
        return self.ask("PUT", f"/shop{query}", json=order or stack())

    def open(self, ref: str = "feature-x", **more: Any) -> httpx.Response:
        """Return the answer to opening a variant of `shop`."""
        return self.ask("POST", "/shop/variants", Scope.USE, json={"ref": ref, **more})

    def start(self, app: str, label: str, state: State = State.RUNNING) -> PreviewRecord:
        """Request what a label leads to; return its preview, which is in a state then."""
        order = {"app": app, "label": label}
        shown = self.call("POST", "/v1/previews", json=order)
        assert shown.status_code == 202, shown.text
        return self.previews.change(app, shown.json()["sha"], state=state, started=1.0)


@pytest.fixture
def api() -> StacksApi:
    """Replace the API of all tests."""
    return StacksApi()


def told(answer: httpx.Response) -> dict[str, str]:
    """Return the problems of an answer, by their places."""
    assert refusal(answer) == (422, "invalid-settings")
    return {one["field"]: one["message"] for one in answer.json()["problems"]}
