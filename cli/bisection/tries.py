"""The jobs of a bisection: one for each commit that is tried, and all of them one group."""

import functools
from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from cli.bisection.search import CANNOT_TRY, Verdict, judge
from cli.client.generated.records import Job
from cli.command_context import CommandContext
from cli.display import job_sentences as sentences
from cli.display.output import note
from cli.errors import ApiRefused, CliError
from cli.jobs import exit_status, group
from cli.jobs.orders import Order
from cli.jobs.repetition import repeat
from cli.jobs.requests import request
from prevs.states import Cause

_UNBUILDABLE = {
    cause.value
    for cause in (
        Cause.BUILD_FAILED,
        Cause.DOCKERFILE_MISSING,
        Cause.COMMIT_TOO_LARGE,
        Cause.SETTINGS_INVALID,
    )
}
"""What is the commit's own fault, and happens before its command begins."""
_CONFLICT = 409
_INVALID, _UNNAMED = "commit-settings-invalid", "unknown-job-name"


class Try(NamedTuple):
    """What was found out about a commit, with no `verdict` if that says nothing about it.

    Without a `job_id` no job could be requested.
    """

    commit: str
    verdict: Verdict | None
    exit_code: int | None
    job_id: str | None
    why: str


class Plan(NamedTuple):
    """What is done at each commit: `order` lacks the label and the group.

    `unbuilt` is the verdict on a commit whose image cannot be built.
    """

    app: str
    order: Order
    unbuilt: Verdict


class Tries:
    """The tries of one bisection; `done` are in the order in which they ended. Main thread only."""

    def __init__(self, context: CommandContext, plan: Plan, group_name: str) -> None:
        self._context = context
        self._plan = plan
        self._group = group_name
        self._pending: dict[str, Job] = {}
        self._is_requesting = False
        self.done: list[Try] = []

    @property
    def verdicts(self) -> Mapping[str, Verdict]:
        """What the tries so far say, by commit."""
        return {one.commit: one.verdict for one in self.done if one.verdict}

    @property
    def pending(self) -> Mapping[str, Job]:
        """The jobs that have not ended, by commit."""
        return self._pending

    def start(self, commits: Iterable[str]) -> list[Try]:
        """Request a job for each commit; return the commits without one."""
        found = []
        for commit in commits:
            self._is_requesting = True
            if refused := self._start(commit):
                found.append(refused)
            self._is_requesting = False
        self.done += found
        return found

    def look(self) -> list[Try]:
        """Return the tries that have ended since the last look. Raises CliError."""
        jobs = group.look(self._context, list(self._pending.values()), self._group)
        self._pending = {job["commit"]: job for job in jobs if not group.has_ended(job)}
        found = [self._judge(job) for job in jobs if group.has_ended(job)]
        self.done += found
        return found

    def keep(self, commits: Collection[str]) -> None:
        """Cancel the tries of all other commits: nobody needs their verdicts."""
        for commit in self._pending.keys() - set(commits):
            self._cancel(self._pending[commit])
            del self._pending[commit]

    def end(self) -> None:
        """Cancel all that has not ended, or may have been requested."""
        if not self._pending and not self._is_requesting:
            return
        app = self._plan.app
        try:
            number = self._context.api.cancel_group(app, group=self._group)["jobs"]
        except CliError as exc:
            note(f"Not all jobs are cancelled: {exc}")
            note(f"`prevs job cancel {app} --group {self._group}` does that.")
        else:
            if number:
                note(f"{number} {'job is' if number == 1 else 'jobs are'} being cancelled.")

    def _cancel(self, job: Job) -> None:
        cancel = functools.partial(self._context.api.cancel_job, job["app"], job["id"])
        try:
            repeat(cancel, pause=self._context.pause, notify=note)
        except ApiRefused as exc:
            if exc.problem.http_status != _CONFLICT:
                raise  # else it has ended meanwhile

    def _start(self, commit: str) -> Try | None:
        order = self._plan.order | {"label": commit, "group": self._group}
        try:
            [self._pending[commit]] = request(self._context, self._plan.app, commit, [order])
        except ApiRefused as exc:
            if exc.problem.slug not in (_INVALID, _UNNAMED):
                raise
            unbuilt = exc.problem.slug == _INVALID
            verdict = self._plan.unbuilt if unbuilt else Verdict.SKIPPED
            return Try(commit, verdict, None, None, str(exc))
        return None

    def _judge(self, job: Job) -> Try:
        code, failure = exit_status.of(job), job["failure"]
        verdict, why = judge(code), sentences.notes(job)
        if job["state"] == "cancelled":
            verdict, why = None, f"{sentences.title(job)} {sentences.progress(job)}"
        elif verdict is None:
            why = (
                f"{sentences.title(job)} ended with {code}, which says nothing about the commit: 0 "
                "means good, 125 that it cannot be tried, others up to 127 bad."
            )
        elif code == CANNOT_TRY and failure and failure["cause"] in _UNBUILDABLE:
            verdict = self._plan.unbuilt
        return Try(job["commit"], verdict, job["exit_code"], job["id"], why)
