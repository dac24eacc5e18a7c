"""The settings of a commit are read before its preview is placed."""

import pytest

from framework import events
from framework.apps import effective_settings
from framework.errors import NotRetryable
from framework.ports import Heads
from prevs.commit_settings import CommitSettings, RunSettings
from prevs.containers import BuildSettings
from prevs.records import Failure, Mistake
from prevs.states import Cause, Phase, State
from tests.fakes.driven import A, B, Driven

SETTINGS = CommitSettings(
    port=8000,
    health="/up",
    start_limit=120.0,
    cpus=0.05,
    mem=64,
    build=BuildSettings(target="web"),
    run=RunSettings(command=("serve",)),
)
WRONG = Failure(
    Cause.SETTINGS_INVALID,
    ".prevs.toml has a mistake in line 3.",
    mistakes=(Mistake(3, "prot is not known; did you mean port?"),),
)
AWAY = Failure(Cause.REPOSITORY_UNREACHABLE, "The repository cannot be read.")


def test_the_settings_of_a_commit_reach_its_executor(driven: Driven) -> None:
    driven.manifests.contents[A] = SETTINGS
    driven.start(A)
    driven.offer()
    sent = driven.order
    assert (sent.container_port, sent.health, sent.start_limit) == (8000, "/up", 120.0)
    assert (sent.cpus, sent.mem) == (0.05, 64)
    assert (sent.build, sent.run) == (SETTINGS.build, SETTINGS.run)
    assert driven.preview(A).settings == SETTINGS
    assert driven.manifests.requested == [(driven.records.app("hello"), A)]


def test_nothing_is_placed_before_its_settings_are_read_and_they_are_read_once(
    driven: Driven,
) -> None:
    driven.manifests.silent = True
    driven.start(A)
    driven.offer()
    driven.tick(5.0)
    assert driven.preview(A).state is State.QUEUED
    assert len(driven.manifests.requested) == 1
    driven.manifests.silent = False
    driven.tick()
    driven.offer()
    assert driven.preview(A).state is State.PLACED


def test_unusable_settings_fail_the_preview_with_every_mistake_until_a_retry(
    driven: Driven,
) -> None:
    driven.manifests.contents[A] = WRONG
    driven.start(A)
    failed = driven.preview(A)
    assert (failed.state, failed.failure) == (State.FAILED, WRONG)
    assert failed.task_id is None
    failures = {"cause": "settings-invalid"}
    assert driven.registry.get_sample_value("prevs_attempts_failed_total", failures) == 1.0
    driven.manifests.contents[A] = SETTINGS
    driven.start(A)
    assert driven.preview(A).state is State.FAILED
    driven.retry(A)
    assert driven.preview(A).settings == SETTINGS
    with pytest.raises(NotRetryable):
        driven.retry(A)


def test_settings_of_a_preview_that_ran_are_not_read_again_until_the_app_allows_other_ones(
    driven: Driven,
) -> None:
    driven.manifests.contents[A] = SETTINGS
    driven.run(A)
    driven.stop(A)
    driven.update("TASK_KILLED")
    driven.start(A)
    assert len(driven.manifests.requested) == 1
    driven.offer()
    driven.report("TASK_RUNNING", Phase.RUNNING)
    driven.commands.change_app("hello", {"max_mem": 512})
    assert driven.preview(A).settings == SETTINGS
    driven.stop(A)
    driven.update("TASK_KILLED")
    driven.start(A)
    assert len(driven.manifests.requested) == 2
    assert driven.preview(A).settings_for == effective_settings.settings_key(
        driven.records.app("hello")
    )


def test_settings_are_read_again_after_a_change_of_the_app(driven: Driven) -> None:
    driven.manifests.silent = True
    driven.start(A)
    driven.commands.change_app("hello", {"max_mem": 512})
    (before, _), (now, _) = driven.manifests.requested
    driven.step(events.SettingsRead("hello", A, effective_settings.settings_key(before), WRONG))
    assert driven.preview(A).state is State.QUEUED
    assert driven.preview(A).settings is None
    driven.step(events.SettingsRead("hello", A, effective_settings.settings_key(now), SETTINGS))
    assert driven.preview(A).settings == SETTINGS


def test_a_repository_that_is_away_is_tried_again_and_given_up_in_the_end(driven: Driven) -> None:
    driven.manifests.contents[A] = AWAY
    driven.start(A)
    waiting = driven.preview(A)
    assert (waiting.state, waiting.consecutive_losses) == (State.QUEUED, 1)
    assert "It is tried again in 1 s" in waiting.reason
    for _ in range(40):
        driven.tick(10.0)
    assert len(driven.manifests.requested) == 6
    failed = driven.preview(A)
    assert failed.state is State.FAILED
    assert failed.failure is not None
    assert failed.failure.cause is Cause.REPOSITORY_UNREACHABLE


def test_an_answer_for_a_preview_that_no_longer_waits_changes_nothing(driven: Driven) -> None:
    driven.manifests.silent = True
    driven.start(A)
    driven.start(B, "other")
    driven.stop(A)
    before = driven.preview(A)
    driven.manifests.contents[A] = WRONG
    driven.manifests.silent = False
    driven.tick()
    assert driven.preview(A) == before
    assert driven.preview(B).settings == CommitSettings()
    nobody = events.SettingsRead("nobody", A, "", WRONG)
    driven.step(nobody)


def test_a_new_leader_reads_the_settings_that_the_last_one_requested(driven: Driven) -> None:
    driven.manifests.silent = True
    driven.start(A)
    heir = Driven(driven.znodes, driven.clock)
    heir.tick()
    assert heir.preview(A).settings == CommitSettings()


def test_a_moved_branch_whose_commit_has_mistakes_leaves_the_old_one_serving(
    driven: Driven,
) -> None:
    driven.run(A)
    driven.manifests.contents[B] = WRONG
    driven.step(events.HeadsFetched("hello", Heads({"main": B})))
    assert driven.preview(B).state is State.FAILED
    assert driven.placements() == {A: ("main",)}
