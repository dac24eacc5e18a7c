"""Which agents need not fetch the executor: those where one of ours has started lately."""

from executor import bundle
from framework.state import executor_copies
from prevs.states import Cause, Phase
from tests.fakes.driven import EXECUTOR, A, B, Driven


def fetches(driven: Driven) -> bool:
    """Return whether the agent of the last launch fetches the executor."""
    return driven.cluster.tasks[-1].fetches


def start(driven: Driven, sha: str, agent: str = "agent-1") -> bool:
    """Start a preview on an agent; tell whether that fetches the executor."""
    driven.start(sha, sha)
    driven.offer(f"for {sha}", agent=agent)
    assert driven.preview(sha).agent_id == agent
    return fetches(driven)


def test_the_next_attempt_on_an_agent_fetches_nothing(driven: Driven) -> None:
    assert start(driven, A)
    driven.report("TASK_STARTING", Phase.STARTING)
    assert not start(driven, B)
    assert start(driven, "c" * 40, "agent-2")


def test_a_silent_executor_leaves_no_sign_of_a_copy(driven: Driven) -> None:
    start(driven, A)
    driven.update("TASK_STAGING")
    assert start(driven, B)


def test_an_executor_of_another_version_leaves_no_sign_of_a_copy(driven: Driven) -> None:
    """It may be one of another version."""
    driven.run()
    after = Driven(driven.znodes, driven.clock)
    after.report("TASK_RUNNING", Phase.RUNNING)
    assert start(after, B)


def test_an_agent_where_an_executor_ended_silently_fetches_again(driven: Driven) -> None:
    driven.run()
    assert not start(driven, B)
    driven.update("TASK_FAILED", sha=B, reason="REASON_EXECUTOR_TERMINATED")
    driven.tick(1.0)
    driven.offer("once more")
    assert driven.cluster.tasks[-1].id == driven.task(B)
    assert fetches(driven)


def test_a_failed_build_does_not_count_against_the_copy(driven: Driven) -> None:
    start(driven, A)
    driven.report("TASK_FAILED", Phase.BUILDING, cause=Cause.BUILD_FAILED)
    assert not start(driven, B)


def test_a_custom_executor_is_always_fetched() -> None:
    driven = Driven(executor=EXECUTOR._replace(is_unpacked=False))
    driven.add_app()
    driven.run()
    assert start(driven, B)


def test_the_executor_is_fetched_again_before_an_agent_may_have_removed_it(driven: Driven) -> None:
    driven.run()
    driven.tick(executor_copies.KEPT_SECONDS)
    assert start(driven, B)
    assert executor_copies.KEPT_SECONDS < bundle._UNUSED
