"""An API that answers IronWorker's clients, and how these read a refusal."""

from typing import Any

import httpx
import pytest

from framework.access import STORED, Scope
from tests.fakes.jobs_api import JobsApi

BASE = "/2/projects/hello"


class IronApi(JobsApi):
    """The API that answers IronWorker's clients too; they have a token of the scope `use`."""

    def __init__(self) -> None:
        super().__init__(ironworker=True)
        self.made = {scope: self.tokens.add_token(scope.value, scope)[1] for scope in STORED}

    def ask(
        self, method: str, path: str, scope: Scope = Scope.USE, **request: Any
    ) -> httpx.Response:
        """Return the answer to a call as a client makes it."""
        headers = {"Authorization": f"OAuth {self.made[scope]}"}
        return self.send(method, f"{BASE}{path}", headers=headers, **request)

    def queue(self, **fields: Any) -> str:
        """Return the id of a new task."""
        answer = self.ask("POST", "/tasks", json={"tasks": [{"code_name": "report", **fields}]})
        assert answer.status_code == 200, answer.text
        task_id: str = answer.json()["tasks"][0]["id"]
        return task_id


@pytest.fixture
def api() -> IronApi:
    return IronApi()


def refusal(answer: httpx.Response) -> tuple[int, str]:
    """Return the status and the text of a refusal, which has nothing else."""
    assert answer.headers["Content-Type"] == "application/json"
    fields = answer.json()
    assert list(fields) == ["msg"]
    return answer.status_code, fields["msg"]
