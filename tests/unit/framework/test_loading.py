"""The states in which a framework refuses to lead."""

import pytest

from framework.errors import ForeignState
from framework.leader import refuse_without_id
from framework.ports import Stored
from framework.ports.jobs import StoredJobs
from framework.units.lifecycle import JOB_WITH_TASK, WITH_TASK
from prevs.job_settings import JobSettings
from prevs.jobs import JobRecord, JobState
from prevs.records import PreviewRecord
from prevs.states import State

ID = "/prevs/framework/id"


def stored(state: State) -> Stored:
    return Stored(previews=[PreviewRecord("hello", "a" * 40, state, task_id="t")])


@pytest.mark.parametrize("state", State)
def test_a_missing_id_is_not_replaced_while_previews_have_tasks(state: State) -> None:
    if state not in WITH_TASK:
        refuse_without_id(stored(state), ID)
        return
    with pytest.raises(ForeignState) as caught:
        refuse_without_id(stored(state), ID)
    assert caught.value.exit_code == 8
    assert "/prevs/framework/id in ZooKeeper holds no framework id" in str(caught.value)
    assert "1 previews or jobs have a task" in str(caught.value)
    assert "--forget id" in str(caught.value)


@pytest.mark.parametrize("state", JobState)
def test_jobs_with_tasks_count_too(state: JobState) -> None:
    one = JobRecord("hello", "j" * 16, "a" * 40, "main", JobSettings(("true",)), state, task_id="t")
    jobs = Stored(jobs=StoredJobs([one]))
    if state not in JOB_WITH_TASK:
        refuse_without_id(jobs, ID)
        return
    with pytest.raises(ForeignState, match="1 previews or jobs have a task"):
        refuse_without_id(jobs, ID)


def test_an_id_that_an_operator_has_deleted_may_be_replaced() -> None:
    refuse_without_id(stored(State.RUNNING)._replace(forgotten=True), ID)


def test_an_existing_id_is_used_again() -> None:
    refuse_without_id(stored(State.RUNNING)._replace(framework_id="framework-1"), ID)
