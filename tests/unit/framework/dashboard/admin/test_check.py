"""The check of a repository on the page that adds an app."""

from framework.errors import RepositoryUnreachable
from tests.fakes.dashboard import Dashboard, Visitor

HERE = "https://git.example.org/shop.git"
COMPOSE = """services:
  web: {build: ., ports: ["8000:8000"], restart: always, depends_on: [db]}
  db: {image: "postgres:17", volumes: ["db:/var/lib/postgresql/data"]}
volumes: {db: {}}
"""


def test_a_check_shows_what_would_run_and_keeps_what_was_typed(
    dashboard: Dashboard, visitor: Visitor
) -> None:
    dashboard.refs.repositories[HERE, ""] = {"compose.yaml": COMPOSE, "Dockerfile": "FROM a"}
    answer = visitor.act("/add-app/check", repository=HERE, name="Sh<op", mem="512")
    assert answer.status_code == 200
    for shown in ("What would run", "compose.yaml", "postgres:17", "8000", "0.1 CPUs, 512 MB"):
        assert shown in answer.text
    for kept in ('value="Sh&lt;op"', f'value="{HERE}"', 'value="512"'):
        assert kept in answer.text
    assert "compose.yaml:2</code> <bdi>services.web.restart: " in answer.text
    assert "shop" not in dashboard.previews.known_apps


def test_a_recipe_is_shown_to_be_kept(dashboard: Dashboard, visitor: Visitor) -> None:
    dashboard.refs.repositories[HERE, ""] = {"index.html": "<h1>x</h1>"}
    answer = visitor.act("/add-app/check", repository=HERE)
    assert "a Dockerfile that prevs writes for" in answer.text
    assert "FROM caddy:" in answer.text


def test_what_keeps_a_commit_from_running_is_shown(dashboard: Dashboard, visitor: Visitor) -> None:
    dashboard.refs.repositories[HERE, ""] = {"Makefile": "<b>all</b>:"}
    answer = visitor.act("/add-app/check", repository=HERE)
    assert (answer.status_code, "It would not run" in answer.text) == (200, True)
    assert "<dd><bdi>Makefile</bdi></dd>" in answer.text
    assert "write a Dockerfile there" in answer.text
    dashboard.refs.repositories[HERE, ""] = {
        "compose.yaml": COMPOSE.replace("restart: always", "privileged: true")
    }
    answer = visitor.act("/add-app/check", repository=HERE)
    assert "compose.yaml:2</code>" in answer.text
    assert "privileged" in answer.text


def test_a_repository_that_cannot_be_read_and_wrong_settings_stand_at_their_fields(
    dashboard: Dashboard, visitor: Visitor
) -> None:
    dashboard.refs.repositories[HERE, ""] = RepositoryUnreachable("", HERE, "Connection refused")
    answer = visitor.act("/add-app/check", repository=HERE)
    assert answer.status_code == 422
    assert "Not checked" in answer.text
    assert 'id="p-repository">' in answer.text
    assert "Connection refused" in answer.text
    answer = visitor.act("/add-app/check", repository="", port="many")
    assert answer.status_code == 422
    assert 'id="p-repository"' in answer.text
    assert 'id="p-port"' in answer.text
    assert 'id="p-name"' not in answer.text
