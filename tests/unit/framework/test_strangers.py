"""What a stranger's commit gets: the order of an approved fork, and of the same commit later."""

import dataclasses

import pytest

from framework.apps import app_secrets
from framework.apps.app_secrets import AppSecrets, Variable
from prevs.messages import BuildOrder, Credential
from prevs.pulls import PullRecord
from prevs.states import Phase, State
from tests.fakes.driven import A, Driven

PULL = PullRecord("hello", 7, A, "pull/7/head", approved_commit=A)
DIGEST = "sha256:" + "a" * 64


@pytest.fixture
def driven(driven: Driven) -> Driven:
    def give(given: AppSecrets) -> AppSecrets:
        given = app_secrets.with_variable(given, "KEY", Variable("hunter2"))
        given = app_secrets.with_variable(given, "MODE", Variable("x", secret=False))
        return app_secrets.with_credential(given, Credential("deploy", "pass"), 1.0)

    driven.commands.change_secrets("hello", give)
    driven.commands.change_app("hello", {"pulls": "all"})
    driven.call(lambda: driven.records.pulls.save_all([PULL]))
    return driven


def request(driven: Driven, label: str, *refs: str) -> None:
    driven.commands.start("hello", A, label, refs=refs)


def order(driven: Driven, number: int) -> BuildOrder:
    driven.offer(f"o{number}")
    return driven.cluster.tasks[-1].order


def test_a_strangers_commit_gets_nothing_but_its_own_files(driven: Driven) -> None:
    request(driven, "pr-7", "pull/7")
    given = order(driven, 1)
    assert (given.trusted, given.ref) == (False, "pull/7/head")
    assert (given.environment, given.secrets, given.digest) == ({}, {}, "")
    assert given.credential is not None  # the executor uses it for the app's repository alone


def test_once_a_branch_reaches_it_it_is_built_anew_as_a_trusted_one(driven: Driven) -> None:
    request(driven, "pr-7", "pull/7")
    order(driven, 1)
    driven.report("TASK_RUNNING", Phase.RUNNING)
    request(driven, "main", "heads/main")
    assert driven.preview().state is State.DRAINING
    driven.update("TASK_KILLED")
    given = order(driven, 2)
    assert (given.trusted, given.ref) == (True, "")
    assert given.secrets == {"KEY": "hunter2"}
    driven.report("TASK_RUNNING", Phase.RUNNING)
    request(driven, "main", "heads/main")
    assert driven.preview().state is State.RUNNING


def test_what_the_registry_has_of_the_trusted_commit_is_not_for_a_stranger(driven: Driven) -> None:
    request(driven, "main", "heads/main")
    order(driven, 1)
    driven.report("TASK_RUNNING", Phase.RUNNING, digest=DIGEST)
    driven.stop()
    driven.update("TASK_KILLED")
    request(driven, "pr-7", "pull/7")
    assert driven.preview().digest == DIGEST
    assert order(driven, 2).digest == ""


def test_a_failed_preview_is_not_retried_once_its_approval_no_longer_counts(driven: Driven) -> None:
    request(driven, "pr-7", "pull/7")
    preview = dataclasses.replace(driven.preview(), state=State.FAILED)
    driven.call(lambda: driven.records.save(preview))
    moved = dataclasses.replace(PULL, approved_commit="")
    driven.call(lambda: driven.records.pulls.save_all([moved]))
    with pytest.raises(Exception, match="has not been approved"):
        driven.retry()
