import json
import re

from framework.access import Scope
from tests.fakes.asgi import TOKEN
from tests.fakes.dashboard import Dashboard, Visitor


def test_the_description_page_needs_a_session(dashboard: Dashboard) -> None:
    answer = Visitor(dashboard).get("/docs")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/sign-in?next=%2Fdocs")
    for visitor in (dashboard.sign_in(), dashboard.enter(Scope.READ, "hello")):
        page = visitor.get("/docs")
        assert (page.status_code, page.headers["Cache-Control"]) == (200, "no-store")
        assert "/v1/previews/{app}/{sha}/pin" in page.text


def test_the_description_page_loads_nothing_from_other_hosts(
    dashboard: Dashboard, visitor: Visitor
) -> None:
    page = visitor.get("/docs").text
    spec = re.search(r'^"spec": (.*),$', page, re.MULTILINE)
    assert spec
    headers = {"Authorization": f"Bearer {TOKEN}"}
    assert json.loads(spec[1]) == visitor.get("/openapi.json", headers=headers).json()
    rest = page.replace(spec[0], "")
    assert re.findall(r"(?:https?:)?//[a-z]", rest) == []
    files = re.findall(r'(?:href|src)="([^"]+)"', rest)
    assert len(files) == 3
    assert [visitor.get(file).status_code for file in files] == [200, 200, 200]
