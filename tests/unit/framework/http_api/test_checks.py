"""/v1/checks: what would be made of a repository."""

from collections.abc import Mapping
from typing import Any

import pytest

from framework.errors import RepositoryUnreachable
from tests.fakes.asgi import ApiInProcess, refusal

HERE = "/srv/git/shop"
COMPOSE = """services:
  web:
    build: .
    ports: ["8000:8000"]
    restart: always
    depends_on: [db]
  db: {image: "postgres:17", volumes: ["db:/var/lib/postgresql/data"]}
volumes: {db: {}}
"""


def check(api: ApiInProcess, texts: Mapping[str, str | None], **order: object) -> dict[str, Any]:
    """Return what the API answers for a repository with these files."""
    api.refs.repositories[HERE, str(order.get("ref", ""))] = texts
    answer = api.call("POST", "/v1/checks", json={"repository": HERE, **order})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_the_plan_of_a_compose_file_has_its_containers_sizes_and_notes(api: ApiInProcess) -> None:
    found = check(api, {"compose.yaml": COMPOSE, "Dockerfile": "FROM a"})
    assert (found["runs"], found["unrecognised"], found["mistakes"]) == (True, None, [])
    plan = found["plan"]
    web, db = plan["containers"]
    assert (plan["source"], plan["recipe"], plan["port"]) == ("compose.yaml", None, 8000)
    assert (web["name"], web["dockerfile"], web["port"]) == ("app", "Dockerfile", 8000)
    assert (db["name"], db["image"], db["dockerfile"]) == ("db", "postgres:17", "")
    assert db["volumes"] == ["/var/lib/postgresql/data"]
    assert plan["mem"] == web["mem"] + db["mem"]
    assert plan["cpus"] == pytest.approx(web["cpus"] + db["cpus"])
    (restart,) = (one for one in found["notes"] if "restart" in one["message"])
    assert (restart["file"], restart["line"]) == ("compose.yaml", 5)


def test_a_commit_without_a_dockerfile_shows_the_one_that_would_be_written(
    api: ApiInProcess,
) -> None:
    found = check(api, {"web/index.html": "<h1>x</h1>"}, folder="web", ref="feature/x")
    recipe = found["plan"]["recipe"]
    assert recipe["why"] == ["index.html"]
    assert "FROM caddy:" in recipe["dockerfile"]
    assert found["plan"]["containers"][0]["dockerfile"] == ""


def test_settings_of_the_app_to_be_count(api: ApiInProcess) -> None:
    texts = {"services/Dockerfile": "FROM a"}
    found = check(api, texts, folder="services", port=9000, mem=512, health="/up")
    plan = found["plan"]
    assert (plan["source"], plan["port"], plan["mem"], plan["health"]) == (
        *("services/Dockerfile", 9000, 512),
        "/up",
    )


def test_mistakes_have_their_file_and_line_and_leave_no_plan(api: ApiInProcess) -> None:
    found = check(api, {"compose.yaml": COMPOSE.replace("restart: always", "privileged: true")})
    assert (found["runs"], found["plan"]) == (False, None)
    (mistake,) = found["mistakes"]
    assert (mistake["file"], mistake["line"]) == ("compose.yaml", 5)
    assert "privileged" in mistake["message"]


def test_what_nothing_describes_is_told_with_ways_on(api: ApiInProcess) -> None:
    found = check(api, {"Makefile": "all:", "README.md": "# x"})
    assert (found["runs"], found["plan"], found["mistakes"]) == (False, None, [])
    unknown = found["unrecognised"]
    assert unknown["found"] == ["Makefile"]
    assert len(unknown["ways"]) == 3
    assert "a Dockerfile" in unknown["looked_for"]


def test_a_check_registers_nothing(api: ApiInProcess) -> None:
    before = api.call("GET", "/v1/apps").json()
    check(api, {"Dockerfile": "FROM a"})
    assert api.call("GET", "/v1/apps").json() == before


def test_a_ref_that_is_not_there_and_a_repository_that_cannot_be_read_say_so(
    api: ApiInProcess,
) -> None:
    answer = api.call("POST", "/v1/checks", json={"repository": HERE, "ref": "nothing"})
    assert refusal(answer) == (404, "unknown-ref")
    assert answer.json()["detail"].startswith("The repository has no nothing: ")
    api.refs.repositories[HERE, ""] = RepositoryUnreachable("", HERE, "Connection refused")
    answer = api.call("POST", "/v1/checks", json={"repository": HERE})
    assert refusal(answer) == (502, "repository-unreachable")
    assert answer.json()["detail"] == (
        f"The repository cannot be read ({HERE}): Connection refused"
    )


def test_settings_that_cannot_be_are_refused_as_for_an_app(api: ApiInProcess) -> None:
    answer = api.call("POST", "/v1/checks", json={"repository": HERE, "port": 0, "folder": "../x"})
    assert answer.status_code == 422
    assert {one["field"] for one in answer.json()["problems"]} == {"port", "folder"}
