"""Which attempt gets a scoped variable: decided by the refs of its commit at the request."""

from framework import events
from framework.apps import app_secrets
from framework.apps.app_secrets import AppSecrets, Variable
from framework.apps.variable_scopes import GivenFor
from framework.ports import Heads
from prevs.messages import BuildOrder
from prevs.states import Phase
from tests.fakes.driven import A, B, Driven


def limit(driven: Driven, **scope: object) -> None:
    """Give the app a secret with this scope, and one for all."""

    def change(given: AppSecrets) -> AppSecrets:
        given = app_secrets.with_variable(given, "FOR_ALL", Variable("1"))
        return app_secrets.with_variable(given, "KEY", Variable("hunter2"), scope)

    driven.commands.change_secrets("hello", change)


def request(driven: Driven, sha: str, label: str, *refs: str) -> None:
    driven.commands.start("hello", sha, label, refs=refs)


def order(driven: Driven, number: int = 1) -> BuildOrder:
    driven.offer(f"o{number}")
    return driven.cluster.tasks[-1].order


def test_a_pushed_branch_gets_no_secret_of_main_under_any_label(driven: Driven) -> None:
    limit(driven, branches=("main",))
    request(driven, A, "main", "heads/evil", "tags/main")
    given = order(driven)
    assert given.secrets == {"FOR_ALL": "1"}
    assert given.withheld == 1


def test_the_head_of_main_has_the_secret_under_any_name(driven: Driven) -> None:
    limit(driven, branches=("main",))
    request(driven, A, A, "heads/evil", "heads/main")
    given = order(driven)
    assert given.secrets == {"FOR_ALL": "1", "KEY": "hunter2"}
    assert given.withheld == 0


def test_a_commit_that_main_has_left_loses_the_secret_at_its_next_start(driven: Driven) -> None:
    limit(driven, branches=("main",))
    request(driven, A, "main", "heads/main")
    assert "KEY" in order(driven).secrets
    driven.report("TASK_RUNNING", Phase.RUNNING)
    driven.stop()
    driven.update("TASK_KILLED")
    request(driven, A, A)
    assert "KEY" not in order(driven, 2).secrets


def test_a_branch_that_moved_brings_its_variables_to_its_new_commit(driven: Driven) -> None:
    limit(driven, branches=("main",))
    request(driven, A, "main", "heads/main")
    order(driven)
    driven.report("TASK_RUNNING", Phase.RUNNING)
    heads = Heads({"main": B}, {B: ("heads/main",), A: ()})
    driven.step(events.HeadsFetched("hello", heads))
    assert "KEY" in order(driven, 2).secrets


def test_variables_for_builds_are_in_no_container_and_the_other_way_round(driven: Driven) -> None:
    limit(driven, given_for=GivenFor.BUILD)
    request(driven, A, "main", "heads/main")
    given = order(driven)
    assert given.given_to_build == {"FOR_ALL": "1", "KEY": "hunter2"}
    assert given.given_to_containers == {"FOR_ALL": "1"}
    limit(driven, given_for=GivenFor.RUN)
    request(driven, B, "other", "heads/other")
    given = order(driven, 2)
    assert given.given_to_build == {"FOR_ALL": "1"}
    assert given.given_to_containers == {"FOR_ALL": "1", "KEY": "hunter2"}
