"""What is wrong with a request about jobs."""

from collections.abc import Sequence

from framework.errors import Conflict, FrameworkError, NotFound
from prevs.jobs import ENDED
from prevs.near_names import find_near
from prevs.records import Mistake

_ENDED = frozenset(state.value for state in ENDED)


class UnknownJob(NotFound):
    """No job of that id, or it ended too long ago."""

    def __init__(self, app: str, job_id: str) -> None:
        super().__init__(
            f"{app!r} has no job {job_id!r}. `prevs job ls {app}` lists those of the last days."
        )
        self.app, self.job_id = app, job_id


class HasEnded(Conflict):
    """The job has ended already."""

    def __init__(self, app: str, job_id: str, state: str) -> None:
        super().__init__(
            f"The job {job_id} of {app!r} has {state} already. `prevs job retry {app} {job_id}` "
            "runs it again."
        )
        self.app, self.job_id, self.state = app, job_id, state


class NoResult(Conflict):
    """The job has no result, or none yet."""

    def __init__(self, app: str, job_id: str, state: str) -> None:
        why = "It can have one once its command has ended."
        if state in _ENDED:
            why = "It left none: at its end the file /run/prevs/result was empty or not there."
        super().__init__(f"The job {job_id} of {app!r} is {state} and has no result. {why}")
        self.app, self.job_id, self.state = app, job_id, state


class NoArtifactsYet(Conflict):
    """The job has not ended, and leaves its files when it does."""

    def __init__(self, app: str, job_id: str, state: str) -> None:
        super().__init__(
            f"The job {job_id} of {app!r} is {state}: the files that its command leaves are there "
            f"once it has ended. `prevs job logs {app} {job_id} -f` follows it until then."
        )
        self.app, self.job_id, self.state = app, job_id, state


class UnknownArtifact(NotFound):
    """The job's last attempt has left no file of that path."""

    def __init__(self, app: str, job_id: str, path: str) -> None:
        super().__init__(
            f"The job {job_id} of {app!r} has left no file {path!r}. `prevs job artifacts {app} "
            f"{job_id}` lists its files."
        )
        self.app, self.job_id, self.path = app, job_id, path


class ArtifactsGone(NotFound):
    """What the job left cannot be read any more, or not now; `why` says which."""

    def __init__(self, app: str, job_id: str, why: str) -> None:
        super().__init__(
            f"The sandbox with the files of the job {job_id} of {app!r} is gone. {why} `prevs job "
            f"retry {app} {job_id}` runs the job again."
        )
        self.app, self.job_id = app, job_id


class NotEnded(Conflict):
    """The job has not ended yet."""

    def __init__(self, app: str, job_id: str, state: str) -> None:
        super().__init__(
            f"The job {job_id} of {app!r} is {state}. `prevs job cancel {app} {job_id}` ends it."
        )
        self.app, self.job_id, self.state = app, job_id, state


class NotRunning(Conflict):
    """The job has no attempt whose progress somebody could tell."""

    def __init__(self, app: str, job_id: str, state: str) -> None:
        super().__init__(
            f"The job {job_id} of {app!r} is {state}, and has progress only while it runs. "
            f"`prevs job show {app} {job_id}` tells when it does."
        )
        self.app, self.job_id, self.state = app, job_id, state


class PayloadGone(Conflict):
    """What the job was given is no longer kept, so nothing can do the same again."""

    def __init__(self, app: str, job_id: str) -> None:
        super().__init__(
            f"What the job {job_id} of {app!r} was given is no longer kept. Start a new one, with "
            "the same payload if it had one."
        )
        self.app, self.job_id = app, job_id


class TooManyJobs(Conflict):
    """There are as many active jobs as are allowed."""

    def __init__(self, most: int) -> None:
        super().__init__(
            f"There may be {most:,} jobs that wait or run. Try again once some have ended "
            "(`prevs job ls`), or cancel some."
        )
        self.most = most


class UnknownJobName(NotFound):
    """The commit's settings have no job of that name; `known` are the names they have."""

    def __init__(self, app: str, label: str, name: str, known: Sequence[str]) -> None:
        near = find_near(name, known, 1)
        has = f"It has {', '.join(known)}." if known else "It has none."
        if near:
            has = f"Did you mean {near[0]}? {has}"
        super().__init__(
            f"The .prevs.toml at {label!r} of {app!r} has no [jobs.{name}]. {has} A command can "
            f"be given in full: prevs run {app} {label} -- COMMAND."
        )
        self.app, self.label, self.name, self.known = app, label, name, tuple(known)


class UnknownJobAttempt(NotFound):
    """No attempt of that number is known: a job keeps only its last few."""

    def __init__(self, app: str, job_id: str, attempt: int) -> None:
        super().__init__(
            f"Attempt {attempt} of the job {job_id} of {app!r} is not known. "
            f"`prevs job show {app} {job_id}` lists the known ones."
        )
        self.app, self.job_id, self.attempt = app, job_id, attempt


class CommitSettingsInvalid(Conflict):
    """The commit's settings cannot be used, so none of its jobs can run; `mistakes` are in them."""

    def __init__(self, app: str, label: str, why: str, mistakes: Sequence[Mistake]) -> None:
        first = f" {mistakes[0].message}." if len(mistakes) == 1 else ""
        super().__init__(
            f"No job can run at {label!r} of {app!r}: {why}{first} Push a commit with another "
            "file, or name an earlier commit."
        )
        self.app, self.label, self.mistakes = app, label, tuple(mistakes)


class NeedsAdmin(FrameworkError):
    """A job is to be something that only an admin may say; `field` is what says so."""

    def __init__(self, who: str, field: str, why: str) -> None:
        super().__init__(
            f"{who!r} may only start jobs as a commit's .prevs.toml has them: {why}. Change "
            "[jobs.NAME] in the file, or ask somebody with the scope `admin` to start this one."
        )
        self.field = field


class KeyOfAnotherOrder(Conflict):
    """An idempotency key that came with another order of jobs before."""

    def __init__(self, app: str, job_id: str) -> None:
        super().__init__(
            f"This Idempotency-Key came with another order before, which made the job {job_id} of "
            f"{app!r}. Give each order its own key."
        )
        self.app, self.job_id = app, job_id
