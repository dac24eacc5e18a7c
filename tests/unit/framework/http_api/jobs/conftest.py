"""An API whose app `hello` has jobs at the commit of main, and callers with each scope."""

from typing import Any

import httpx
import pytest

from framework.access import Scope
from framework.ports import RepositoryFile
from tests.fakes.asgi import ApiInProcess

SHA = "a" * 40
FILE = b"""\
[jobs.report]
command = ["python", "report.py"]
timeout = 900
retries = 3

[jobs.clean]
command = ["rake", "clean"]
priority = 0
"""


class JobsApi(ApiInProcess):
    """The API, with calls about the jobs of hello by somebody with a scope."""

    def put_file(self, data: bytes, sha: str = SHA) -> None:
        """Let a commit have a .prevs.toml."""
        self.refs.files["hello", sha, ".prevs.toml"] = RepositoryFile("file", len(data), data)

    def order(
        self, body: Any, scope: Scope = Scope.ADMIN, key: str = "", **headers: str
    ) -> httpx.Response:
        """Return the answer to an order of jobs."""
        if key:
            headers["Idempotency-Key"] = f'"{key}"'
        return self.ask("POST", "", scope, json=body, headers=headers)

    def request(self, **fields: Any) -> str:
        """Return the id of a new job."""
        answer = self.order({"label": "main", "job": "report", **fields})
        assert answer.status_code == 202, answer.text
        job_id: str = answer.json()["id"]
        return job_id

    def ask(
        self, method: str, path: str, scope: Scope = Scope.ADMIN, **request: Any
    ) -> httpx.Response:
        """Return the answer to a call about the jobs of hello."""
        if scope not in self._made:
            self._made[scope] = self.tokens.add_token(f"a-{scope.value}", scope)[1]
        headers = {"Authorization": f"Bearer {self._made[scope]}", **request.pop("headers", {})}
        return self.send(method, f"/v1/apps/hello/jobs{path}", headers=headers, **request)

    def __init__(self) -> None:
        super().__init__()
        self._made: dict[Scope, str] = {}


@pytest.fixture
def api(api: ApiInProcess) -> JobsApi:
    """Replace the API of all tests."""
    own = JobsApi()
    own.previews.known_apps.update(api.previews.known_apps)
    own.refs.put("hello", "main", SHA)
    own.put_file(FILE)
    return own
