import dataclasses

from framework.apps import app_secrets
from framework.apps.app_secrets import AppSecrets, Variable, find_older
from framework.apps.variable_scopes import GivenFor, VariableScope
from prevs.records import PreviewRecord, Step
from prevs.states import State

RUNS = PreviewRecord(
    "hello",
    "a" * 40,
    State.RUNNING,
    refs=("heads/main",),
    steps=(Step("queued", 90.0), Step("placed", 100.0), Step("running", 130.0)),
)


def given(**changed: float) -> AppSecrets:
    """Return what an app is given: variables by name, and when each was set."""
    variables = {name: Variable("new", changed=when) for name, when in changed.items()}
    return AppSecrets("hello", variables=variables)


def test_what_was_set_after_the_attempt_was_placed_is_older_in_it() -> None:
    assert find_older(given(A=99.0, B=101.0, C=140.0), RUNS) == ("B", "C")
    assert find_older(given(A=100.0), RUNS) == ()


def test_what_was_unset_since_then_is_older_until_it_is_set_again() -> None:
    unset = app_secrets.without_variable(given(A=50.0, B=50.0), "A", now=120.0)
    assert find_older(unset, RUNS) == ("A",)
    cleared = app_secrets.without_variables(unset, now=150.0)
    assert find_older(cleared, RUNS) == ("A", "B")
    assert cleared.unset["A"].changed == 120.0


def test_variables_that_its_containers_never_get_do_not_count() -> None:
    scopes = {
        "BUILD": VariableScope(given_for=GivenFor.BUILD),
        "OTHER": VariableScope(branches=("release/*",)),
        "MAIN": VariableScope(branches=("main",)),
    }
    variables = {
        name: Variable("new", changed=140.0, scope=scope) for name, scope in scopes.items()
    }
    assert find_older(AppSecrets("hello", variables=variables), RUNS) == ("MAIN",)


def test_only_a_preview_that_is_on_an_agent_has_older_ones() -> None:
    new = given(A=140.0)
    for state in (State.QUEUED, State.STOPPED, State.FAILED):
        assert find_older(new, dataclasses.replace(RUNS, state=state)) == ()
    assert find_older(new, dataclasses.replace(RUNS, state=State.STARTING)) == ("A",)
    assert find_older(new, dataclasses.replace(RUNS, steps=())) == ()
    assert find_older(new, dataclasses.replace(RUNS, stranger=True)) == ()
