"""`prevs bisect` and `prevs job start --commits`, against an API on a real socket."""

import functools
import json
import signal
from collections.abc import Iterable

import pytest
from starlette.types import Receive, Scope, Send

from cli.jobs import group
from framework.ports import Commit, RepositoryFile
from framework.service.jobs.job_commands import JobCommands
from prevs.jobs import JobState
from prevs.states import Cause
from tests.fakes.jobs_api import JobsApi
from tests.integration.cli.command_runs import Run, beginning
from tests.waits import wait_until

pytestmark = pytest.mark.integration


class History(JobsApi):
    """The branch main with so many commits after the tag v1, and what the command says at each.

    `codes` are exit codes by commit number (0 is v1); without one, commits from `first_bad` on
    fail with 1. Each look at a list ends the jobs that are there then, unless `holds`.
    """

    def __init__(self) -> None:
        super().__init__()
        self.codes: dict[int, int] = {}
        self.first_bad = 1
        self.holds = False

    def grow(self, number: int, *, first_bad: int = 1) -> None:
        self.first_bad = first_bad
        commits = self.put_commits(range(number + 1))
        self.refs.put("hello", "v1", sha(0), "tag")
        self.refs.put("hello", "main", sha(number))
        self.refs.logs["hello", sha(number)] = commits[::-1]

    def put_commits(self, numbers: Iterable[int]) -> list[Commit]:
        """Return commits, each of which comes after the one before it."""
        some = list(numbers)
        before = [(), *((sha(at),) for at in some)]
        commits = [
            Commit(sha(at), "Ada", f"Step {at}", 1.0, parents)
            for at, parents in zip(some, before, strict=False)
        ]
        for commit in commits:
            self.refs.put("hello", commit.sha, commit.sha, "commit")
        return commits

    def merge(self, numbers: Iterable[int], *, after: int, into: int) -> None:
        """Let a commit of main be the merge of a branch that began after another one."""
        base, *branch = self.put_commits([after, *numbers])
        merged = (sha(into - 1), branch[-1].sha)
        place = next(place for place in self.refs.logs)
        self.refs.logs[place] = [
            commit._replace(parents=merged) if commit.sha == sha(into) else commit
            for commit in self.refs.logs[place]
        ]
        self.refs.logs["hello", branch[-1].sha] = [*branch[::-1], base]
        self.refs.common[branch[-1].sha] = base.sha

    @property
    def tried(self) -> list[int]:
        """The numbers of all commits that had a job."""
        return sorted(read(job.sha) for job in self.known.values())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if (scope["method"], scope["path"]) == ("GET", "/v1/jobs") and not self.holds:
            for job in self.known.values():
                if job.state is JobState.QUEUED:
                    self.play(job.id, read(job.sha))
        await super().__call__(scope, receive, send)

    def play(self, job_id: str, number: int) -> None:
        """Let a job's command end, or its build fail, as the code -1 says."""
        code = self.codes.get(number, int(number >= self.first_bad))
        self.build(job_id=job_id)
        if code < 0:
            self.fail_job(Cause.BUILD_FAILED, "make failed.", 2, job_id)
            return
        self.begin(job_id=job_id)
        if code:
            self.fail_job(Cause.APP_EXITED, f"The command exited with code {code}.", code, job_id)
        else:
            self.succeed(job_id)


def sha(number: int) -> str:
    return f"{number:07x}{'0' * 33}"


def read(commit: str) -> int:
    return int(commit[:7], 16)


@pytest.fixture
def api() -> History:
    return History()


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Jobs end at the first look at them, so nothing is gained by looking seldom."""
    monkeypatch.setattr(group, "POLL", 0.02)


TEST = ("--", "./test.sh", "--all")


def test_one_of_a_thousand_commits_is_found_in_four_rounds(api: History, run: Run) -> None:
    api.grow(1000, first_bad=617)
    done = run("bisect", "hello", "v1", "main", *TEST)
    assert done.status == 0, done.err
    found, *details = done.out.splitlines()
    assert found == f"{sha(617)} is the first bad commit"
    assert [line.split(maxsplit=1)[1] for line in details[:2]] == ["Step 617", "Ada"]
    assert f"http://{sha(617)}.hello.localhost:8080/" in details[3]
    assert "1,000 commits lead from v1 to main" in done.err
    assert "Round 1 of 4: the first bad commit is one of 1,000" in done.err
    assert "Round 4 of 4" in done.err
    assert "Round 5" not in done.err
    assert "bad 0000269 Step 617: The command exited with code 1" in done.err
    assert len(api.tried) <= 4 * 7
    assert {0, 1000, 616, 617} <= set(api.tried)
    assert len({job.group for job in api.known.values()}) == 1
    assert {job.terms.command for job in api.known.values()} == {("./test.sh", "--all")}


def test_a_merge_is_gone_into_until_the_commit_that_broke_it(api: History, run: Run) -> None:
    api.grow(9, first_bad=7)
    api.merge(range(20, 31), after=2, into=7)
    api.codes = {at: int(at >= 26) for at in range(20, 31)}
    done = run("bisect", "hello", "v1", "main", "--json", *TEST)
    assert done.status == 0, done.err
    told = json.loads(done.out)
    assert (told["first_bad"]["subject"], told["merges"]) == ("Step 26", [sha(7)])
    assert {6, 7, 25, 26} <= set(api.tried)
    assert len(told["tries"]) == len(api.tried), "no commit is tried twice"
    assert f"{sha(7)[:7]} is a merge, which brought 11 commits." in done.err


@pytest.mark.parametrize(
    ("codes", "why"),
    [
        (dict.fromkeys(range(20, 31), 0), "What 0000007 brought is good"),
        ({2: 1, **dict.fromkeys(range(20, 31), 1)}, "the command fails as well"),
    ],
)
def test_a_merge_whose_commits_are_not_to_blame_is_the_answer_and_says_why(
    api: History, run: Run, codes: dict[int, int], why: str
) -> None:
    api.grow(9, first_bad=7)
    api.merge(range(20, 31), after=2, into=7)
    api.codes = codes
    done = run("bisect", "hello", "v1", "main", "--at-once", "1", "--trust", *TEST)
    assert done.status == 0, done.err
    assert done.out.startswith(f"{sha(7)} is the first bad commit")
    assert why in done.err


def test_what_cannot_be_tried_is_passed_over_and_told_as_json(api: History, run: Run) -> None:
    api.grow(8, first_bad=5)
    api.codes = {4: -1, 2: 125}
    args = ("bisect", "hello", "v1", "main", "--trust", "--json", "--mem", "64")
    done = run(*args, "--at-once", "1", *TEST)
    told = json.loads(done.out)
    assert done.status == 3
    assert [one["subject"] for one in told["suspects"]] == ["Step 4", "Step 5"]
    assert told["first_bad"] is None
    verdicts = {read(one["sha"]): one["verdict"] for one in told["tries"]}
    assert verdicts[4] == "skipped"
    assert not {0, 8} & verdicts.keys()
    assert told["rounds"] == len(told["tries"])
    assert {job.terms.mem for job in api.known.values()} == {64}
    # The same history, in which whoever breaks the build has broken it.
    done = run(*args, "--unbuilt", "bad", *TEST)
    assert done.status == 0
    assert json.loads(done.out)["first_bad"]["subject"] == "Step 4"


def test_commits_whose_settings_cannot_be_used_are_suspects_in_a_table(
    api: History, run: Run
) -> None:
    api.grow(3, first_bad=3)
    data = b"[jobs.x]\ncomand = ['true']\n"
    api.refs.files["hello", sha(1), ".prevs.toml"] = RepositoryFile("file", len(data), data)
    for at in (0, 3):
        api.put_settings(sha(at))
    done = run("bisect", "hello", "v1", "main", "--job", "report")
    assert done.status == 3
    head, *rows = done.out.splitlines()
    assert head.startswith("The first bad commit is one of these 3")
    assert [row.split()[-1] for row in rows[1:]] == ["1", "2", "3"]
    assert "skipped 0000001 Step 1: No job can run" in done.err
    assert "has no [jobs.report]" in done.err
    assert api.tried == [0, 3]


@pytest.mark.parametrize(
    ("first_bad", "why"), [(0, "v1 is bad: the command fails"), (9, "main is good: the command")]
)
def test_an_end_that_is_not_as_it_should_be_is_told_at_once(
    api: History, run: Run, first_bad: int, why: str
) -> None:
    api.grow(8, first_bad=first_bad)
    done = run("bisect", "hello", "v1", "main", "--at-once", "2", *TEST)
    assert (done.status, done.out) == (1, "")
    assert why in done.err
    assert api.tried == [0, 8]


def test_a_code_that_says_nothing_ends_the_search_and_what_runs(api: History, run: Run) -> None:
    api.grow(30, first_bad=15)
    api.codes = dict.fromkeys(range(31), 137)
    done = run("bisect", "hello", "v1", "main", *TEST)
    assert (done.status, done.out) == (1, "")
    assert "ended with 137, which says nothing about the commit" in done.err
    assert "prevs job logs hello" in done.err


def test_a_code_that_says_nothing_is_nothing_where_it_does_not_matter(
    api: History, run: Run
) -> None:
    api.grow(8, first_bad=2)
    api.codes = {6: 137}
    done = run("bisect", "hello", "v1", "main", "--at-once", "9", *TEST)
    assert (done.status, done.out.splitlines()[0]) == (0, f"{sha(2)} is the first bad commit")


def test_a_try_that_somebody_cancels_ends_the_search(api: History, run: Run) -> None:
    api.grow(2, first_bad=2)
    api.holds = True

    def cancel_job(job_id: str, commands: JobCommands) -> None:
        commands.cancel("hello", job_id, by="ada")

    async def cancel(scope: Scope, receive: Receive, send: Send) -> None:
        for job in api.known.values():
            if job.state is JobState.QUEUED:
                api.jobs.command(functools.partial(cancel_job, job.id))
        await api.app(scope, receive, send)

    api.instead["GET", "/v1/jobs"] = cancel
    done = run("bisect", "hello", "v1", "main", *TEST)
    assert (done.status, done.out) == (1, "")
    assert "is cancelled: ada has cancelled it" in done.err


def test_tries_that_no_longer_matter_are_cancelled(api: History, run: Run) -> None:
    api.grow(8, first_bad=1)
    api.holds = True

    async def end_one(scope: Scope, receive: Receive, send: Send) -> None:
        """Let the job of the first commit end alone; the others never do."""
        for job in api.known.values():
            if job.sha == sha(1) or job.sha == sha(0):
                api.play(job.id, read(job.sha))
        await api.app(scope, receive, send)

    api.instead["GET", "/v1/jobs"] = end_one
    done = run("bisect", "hello", "v1", "main", "--at-once", "9", *TEST)
    assert done.out.startswith(f"{sha(1)} is the first bad commit")
    states = {read(job.sha): job.state for job in api.known.values()}
    assert states.pop(0) is JobState.SUCCEEDED
    assert states.pop(1) is JobState.FAILED
    assert states == dict.fromkeys(range(2, 9), JobState.CANCELLED)


@pytest.mark.usefixtures("interruptible")
def test_ctrl_c_cancels_all_jobs_of_a_bisection(api: History, environ: dict[str, str]) -> None:
    api.grow(100, first_bad=50)
    api.holds = True
    with beginning(["bisect", "hello", "v1", "main", *TEST], environ) as process:
        wait_until(lambda: ("GET", "/v1/jobs") in api.requests, "it waits for its jobs")
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, "")
    assert "7 jobs are being cancelled" in err
    assert "Traceback" not in err
    assert {job.state for job in api.known.values()} == {JobState.CANCELLED}


def test_ends_between_which_no_commits_lead_are_refused(api: History, run: Run) -> None:
    api.grow(8)
    same = run("bisect", "hello", "main", "main", *TEST)
    assert same.status == 1
    assert "main..main of hello has no commits" in same.err
    api.refs.put("hello", "other", "f" * 40)
    api.refs.put("hello", "f" * 40, "f" * 40, "commit")
    apart = run("bisect", "hello", "other", "main", *TEST)
    assert apart.status == 1
    assert "'other' of 'hello' is no ancestor of 'main'" in apart.err
    unknown = run("bisect", "hello", "v1", "feature/x", *TEST)
    assert "feature/x" in unknown.err
    assert run("bisect", "hello", "v1", "main").status == 2
    assert not api.known


def test_a_job_on_each_commit_is_listed_by_its_subject(api: History, run: Run) -> None:
    api.grow(3, first_bad=2)
    done = run("job", "start", "hello", "--commits", "v1..main", "--wait", *TEST)
    assert done.status == 1
    head, *rows = done.out.splitlines()
    assert head.split() == ["COMMIT", "STATE", "EXIT", "ID", "TOOK", "SUBJECT", "NOTES"]
    assert [row.split()[1:3] for row in rows] == [["succeeded", "0"], *[["failed", "1"]] * 2]
    assert [f"Step {at}" in row for at, row in enumerate(rows, 1)] == [True] * 3
    assert api.tried == [1, 2, 3]


def test_a_range_with_more_commits_than_jobs_are_allowed_starts_none(
    api: History, run: Run
) -> None:
    api.grow(1001)
    done = run("job", "start", "hello", "--commits", "v1..main", *TEST)
    assert done.status == 1
    assert "has more than 1,000 commits" in done.err
    assert "prevs bisect hello v1 main" in done.err
    assert not api.known
