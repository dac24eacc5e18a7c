"""Jobs and schedules that take more than any agent has: warned of as apps are."""

import pytest

from framework.ports import RepositoryFile
from tests.fakes.answers import SHA, known_agent
from tests.fakes.jobs_api import JobsApi
from tests.integration.cli.command_runs import Run

pytestmark = pytest.mark.integration

SETTINGS = b"""
[jobs.large]
command = ["./large"]
mem = 9000
[jobs.small]
command = ["./small"]
"""
TIMES = ("--label", "main", "--every", "3600")


@pytest.fixture
def api() -> JobsApi:
    """One agent with 4 CPUs and 4096 MB, and an app whose commits may have more."""
    api = JobsApi()
    api.agents.known = [known_agent("10.0.0.1")]
    api.previews.change_app("hello", {"max_mem": 9999, "max_cpus": 16.0})
    file = RepositoryFile("file", len(SETTINGS), SETTINGS)
    api.refs.files["hello", SHA, ".prevs.toml"] = file
    return api


@pytest.mark.parametrize(
    ("command", "what"),
    [
        (("run", "hello", "main", "-d", "--mem", "9000", "--", "true"), "9000 MB"),
        (("run", "hello", "main", "-d", "--cpus", "8", "--", "true"), "8 CPUs"),
        (("run", "hello", "main", "-d", "--job", "large"), "9000 MB"),
        (("job", "start", "hello", "main", "-n", "2", "--job", "large"), "9000 MB"),
        (("schedule", "add", "hello", "hourly", *TIMES, "--job", "large"), "9000 MB"),
        (("app", "set", "hello", "--max-mem", "9000"), "9000 MB"),
    ],
)
def test_what_no_agent_has_is_warned_of_once_in_the_same_words(
    run: Run, command: tuple[str, ...], what: str
) -> None:
    done = run(*command)
    assert done.status == 0, done.err
    said = f"Warning: no agent has {what}; the largest have 4096 MB, and 4 CPUs. What takes so "
    assert done.err.count(said) == 1


@pytest.mark.parametrize(
    "command",
    [
        ("run", "hello", "main", "-d", "--mem", "4096", "--", "true"),
        ("run", "hello", "main", "-d", "--job", "small"),
        ("schedule", "add", "hello", "hourly", *TIMES, "--job", "small"),
        ("schedule", "add", "hello", "hourly", *TIMES, "--", "true"),
    ],
)
def test_what_an_agent_has_is_not_warned_of(run: Run, command: tuple[str, ...]) -> None:
    done = run(*command)
    assert (done.status, "Warning" in done.err) == (0, False)


def test_a_schedule_warns_when_it_is_run_too_and_one_that_is_run_as_ever_asks_nothing(
    api: JobsApi, run: Run
) -> None:
    run("schedule", "add", "hello", "hourly", *TIMES, "--job", "large")
    assert "Warning: no agent has 9000 MB" in run("schedule", "run", "hello", "hourly").err
    before = api.requests.count(("GET", "/v1/agents"))
    assert run("run", "hello", "main", "-d", "--", "true").status == 0
    assert api.requests.count(("GET", "/v1/agents")) == before
