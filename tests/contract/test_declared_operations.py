"""An operation of the API is declared on its function, and everything else follows."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.contract import changed_copy

CHANGED = Path("framework/http_api/routes/app_routes.py")
MODEL = '''\
class Greeting(models.BaseModel):
    """What an app says."""

    model_config = {"json_schema_extra": {"examples": [{"text": "Hello"}]}}

    text: str


class AppRoutes('''
FUNCTION = '''\
    @operation("POST", "/v1/apps/{app}/greetings", Scope.USE, Reach.ITS_PATH, refuses=(404,))
    async def send_greeting(self, app: App, order: Greeting) -> Greeting:
        """Greet an app."""
        return Greeting(text=f"{order.text}, {self._previews.snapshot.app(app).name}")

    def _find_matching('''


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Any]:
    """What shows the API's operations, in a copy of it with one function more in one file."""
    copy = tmp_path_factory.mktemp("declared")
    texts = {marked.splitlines()[-1]: marked for marked in (MODEL, FUNCTION)}
    changed_copy.link(copy, {CHANGED: texts})
    return changed_copy.read(copy, "tests.contract.shown_operations", "send_greeting")


def test_the_description_has_it_with_its_scope_and_refusals(found: Mapping[str, Any]) -> None:
    described = found["described"]
    assert described["security"] == [{"HTTPBearer": ["use"]}]
    assert described["description"] == (
        "Greet an app.\n\nNeeds the scope `use`. A token for one app may call it for that app."
    )
    assert described["tags"] == ["apps"]
    of_body, of_all = {"400", "413"}, {"401", "403", "422", "429", "500", "503"}
    assert described["responses"].keys() == {"200", "404", *of_body, *of_all}


def test_the_generated_client_has_its_call(found: Mapping[str, Any]) -> None:
    call = "def send_greeting(self, app: str, order: Mapping[str, object]) -> Greeting:"
    assert call in found["calls"]
    assert "class Greeting(TypedDict):" in found["records"]


def test_the_documentation_has_it(found: Mapping[str, Any]) -> None:
    assert "### `POST /v1/apps/{app}/greetings`" in found["docs"]


def test_it_is_answered_to_a_token_of_its_scope_alone(found: Mapping[str, Any]) -> None:
    assert found["answers"] == {
        "nobody": [401, "unauthorized"],
        "read": [403, "forbidden"],
        "use": [200, "Hello, hello"],
        "admin": [200, "Hello, hello"],
        "proxy": [403, "forbidden"],
        "use of hello": [200, "Hello, hello"],
        "use of shop": [403, "not-of-app"],
    }


def test_the_tests_of_all_operations_have_it(found: Mapping[str, Any]) -> None:
    assert "POST /v1/apps/{app}/greetings" in found["held to their declarations"]


def test_the_audit_log_names_it(found: Mapping[str, Any]) -> None:
    assert ["a-use", "send greeting", "hello", 200] in found["notes"]
    assert ["a-read", "send greeting", "hello", 403] in found["notes"]
