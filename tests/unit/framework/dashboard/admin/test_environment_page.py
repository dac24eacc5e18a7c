from framework.access import Scope
from framework.apps.app_secrets import AppSecrets
from framework.apps.variable_scopes import GivenFor, VariableScope
from framework.errors import NoKey
from prevs.records import Step
from prevs.states import State
from tests.fakes.dashboard import Dashboard, Visitor

PAGE = "/apps/hello/environment"
SHA, OTHER = "a" * 40, "b" * 40


def test_a_secret_is_set_and_never_shown(dashboard: Dashboard, visitor: Visitor) -> None:
    assert "Nothing is set" in visitor.get(PAGE).text
    answer = visitor.act(PAGE, name=" API_KEY ", value="hunter2\r\nhunter3")
    assert answer.status_code == 303
    assert dashboard.previews.snapshot.given("hello").secrets == {"API_KEY": "hunter2\nhunter3"}
    shown = visitor.get(answer.headers["Location"]).text
    assert "API_KEY" in shown
    assert "The variable is set" in shown
    assert "hunter" not in shown
    assert ("operator", "set variable", "hello/environment/API_KEY", 303) in dashboard.notes()


def test_a_plain_variable_is_shown_and_unset(dashboard: Dashboard, visitor: Visitor) -> None:
    visitor.act(PAGE, name="MODE", value="<b>preview", plain="yes")
    assert "&lt;b&gt;preview" in visitor.get(PAGE).text
    assert visitor.act(f"{PAGE}/MODE/unset").status_code == 303
    assert dashboard.previews.snapshot.given("hello").variables == {}
    assert ("operator", "unset variable", "hello/environment/MODE", 303) in dashboard.notes()
    assert visitor.act(f"{PAGE}/MODE/unset").status_code == 404


def test_an_invalid_variable_is_reported_and_its_value_is_not_filled_in(visitor: Visitor) -> None:
    answer = visitor.act(PAGE, name="PORT", value="hunter2")
    assert answer.status_code == 422
    assert "is reserved" in answer.text
    assert 'value="PORT"' in answer.text
    assert "hunter2" not in answer.text


def test_without_a_key_the_page_shows_what_to_do(dashboard: Dashboard, visitor: Visitor) -> None:
    dashboard.previews.error = NoKey()
    answer = visitor.act(PAGE, name="A", value="hunter2")
    assert answer.status_code == 409
    assert "PREVS_KEY_FILE" in answer.text


def test_only_admins_change_variables_and_only_by_the_pages_own_forms(dashboard: Dashboard) -> None:
    ci = dashboard.enter(Scope.USE)
    assert ci.get(PAGE).status_code == 403
    assert ci.act(PAGE, name="A", value="1").status_code == 403
    assert dashboard.sign_in().post(PAGE, {"name": "A", "value": "1"}).status_code == 403
    assert dashboard.previews.snapshot.given("hello") == AppSecrets("hello")


def test_the_settings_page_links_to_the_variables(visitor: Visitor) -> None:
    assert f'href="{PAGE}"' in visitor.get("/apps/hello/settings").text
    assert visitor.get("/apps/other/environment").status_code == 404


def test_the_scopes_of_a_variable_can_be_set_and_stay(
    dashboard: Dashboard, visitor: Visitor
) -> None:
    visitor.act(PAGE, name="A", value="hunter2", branches="main, release/*", given_for="run")
    visitor.act(PAGE, name="A", value="hunter3", tags="v*", given_for="")
    scope = dashboard.previews.snapshot.given("hello").variables["A"].scope
    assert scope == VariableScope(("main", "release/*"), ("v*",), GivenFor.RUN)
    shown = visitor.get(PAGE).text
    assert "<code>release/*</code>" in shown
    assert "tags <code>v*</code>" in shown
    assert "run time only" in shown
    answer = visitor.act(PAGE, name="A", value="hunter2", branches="/main")
    assert answer.status_code == 422
    assert 'value="/main"' in answer.text


def test_previews_with_older_values_are_listed_and_restarted(
    dashboard: Dashboard, visitor: Visitor
) -> None:
    fields = {"labels": ("main",), "steps": (Step("placed", 5.0),)}
    dashboard.previews.put("hello", SHA, State.RUNNING, **fields)
    dashboard.previews.put("hello", OTHER, State.FAILED, **fields)
    assert "Older values" not in visitor.get(PAGE).text
    visitor.act(PAGE, name="MODE", value="new", plain="yes")
    page = visitor.get(PAGE).text
    assert "Older values" in page
    assert SHA in page
    assert OTHER not in page
    its_page = f"/apps/hello/previews/{SHA}"
    assert f"{its_page}/restart" in visitor.see(its_page).buttons()
    answer = visitor.act(f"{PAGE}/restart")
    assert answer.headers["Location"] == f"{PAGE}?did=restart-older"
    assert dashboard.previews.known["hello", SHA].state is State.DRAINING
    assert dashboard.previews.known["hello", OTHER].state is State.FAILED
    assert "Older values" not in visitor.get(answer.headers["Location"]).text
    assert ("operator", "restart previews", "hello/environment", 303) in dashboard.notes()
