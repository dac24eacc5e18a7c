"""An API whose app `hello` has a commit with jobs at main, and callers with each scope."""

import datetime
from typing import Any

import httpx
import pytest

from framework.access import Scope
from framework.ports import RepositoryFile
from tests.fakes.asgi import ApiInProcess

SHA = "a" * 40
FILE = b'[jobs.report]\ncommand = ["python", "report.py"]\nretries = 3\n'
NIGHTLY = {"label": "main", "job": "report", "cron": "30 2 * * *", "zone": "Europe/Berlin"}
CLEAN = {"label": "main", "command": ["./clean", "--all"], "every": 3600}
NOW = datetime.datetime(2026, 10, 23, 12, 0, tzinfo=datetime.UTC).timestamp()
"""The second night after that has an hour twice in Berlin."""


class SchedulesApi(ApiInProcess):
    """The API, with calls about the schedules of hello by somebody with a scope."""

    def __init__(self) -> None:
        super().__init__()
        self.jobs.clock.seconds = NOW
        self.ports = self.ports._replace(now=self.jobs.clock.read)
        self._headers: dict[Scope, dict[str, str]] = {}

    def ask(
        self, method: str, path: str = "", scope: Scope = Scope.ADMIN, **request: Any
    ) -> httpx.Response:
        """Return the answer to a call about the schedules of hello."""
        headers = {**self._find_headers(scope), **request.pop("headers", {})}
        return self.send(method, f"/v1/apps/hello/schedules{path}", headers=headers, **request)

    def try_times(
        self, order: dict[str, Any], scope: Scope = Scope.ADMIN, count: int = 3
    ) -> httpx.Response:
        """Return the answer to trying times."""
        path = f"/v1/apps/hello/schedule-times?count={count}"
        return self.send("POST", path, headers=self._find_headers(scope), json=order)

    def write(
        self, order: dict[str, Any], name: str = "nightly", scope: Scope = Scope.ADMIN
    ) -> httpx.Response:
        """Return the answer to writing a schedule."""
        return self.ask("PUT", f"/{name}", scope, json=order)

    def _find_headers(self, scope: Scope) -> dict[str, str]:
        if scope not in self._headers:
            _, token = self.tokens.add_token(f"a-{scope.value}", scope)
            self._headers[scope] = {"Authorization": f"Bearer {token}"}
        return self._headers[scope]


@pytest.fixture
def api(api: ApiInProcess) -> SchedulesApi:
    """Replace the API of all tests."""
    own = SchedulesApi()
    own.previews.known_apps.update(api.previews.known_apps)
    own.refs.put("hello", "main", SHA)
    own.refs.files["hello", SHA, ".prevs.toml"] = RepositoryFile("file", len(FILE), FILE)
    return own
