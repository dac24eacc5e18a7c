import httpx
import pytest

from tests.fakes.apis import IronApi


@pytest.fixture
def api() -> IronApi:
    return IronApi()


def refusal(answer: httpx.Response) -> tuple[int, str]:
    """Return the status and the text of a refusal, which has nothing else."""
    assert answer.headers["Content-Type"] == "application/json"
    fields = answer.json()
    assert list(fields) == ["msg"]
    return answer.status_code, fields["msg"]
