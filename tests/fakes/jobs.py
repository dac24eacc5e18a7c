"""The service's jobs: the real commands over records in memory, without the service."""

from collections.abc import Callable
from typing import Any, TypeVar

from cryptography.fernet import Fernet

from framework.apps import app_secrets
from framework.apps.receivers import Receiver
from framework.service.jobs.job_commands import MOST_ACTIVE, JobCommands
from framework.service.jobs.job_service import Jobs
from framework.state.records import Records
from framework.state.snapshot import Snapshot
from framework.units.transitions import Launched, Transition
from framework.vault import Keyring
from prevs.jobs import JobRecord
from tests.fakes.clock import FakeClock
from tests.fakes.job_store import FakeJobStore
from tests.fakes.previews import FakePreviews
from tests.fakes.store import FakeStore

T = TypeVar("T")

KEY = Fernet.generate_key().decode()


class FakeJobs(Jobs):
    """Runs commands at once, for the apps of `previews`. `error`, if set, is raised by commands.

    `take_over` makes another leader of what `store` has, which allows `most` active jobs.
    """

    def __init__(self, previews: FakePreviews) -> None:
        self._previews = previews
        self.clock = FakeClock()
        self.vault = Keyring((KEY,))
        self.store = FakeStore()
        self.error: Exception | None = None
        self.commands = 0
        self.most = MOST_ACTIVE
        self.take_over()

    @property
    def job_store(self) -> FakeJobStore:
        """What is stored of jobs."""
        return self.store.jobs

    def take_over(self) -> None:
        """Read everything from the store again, as a new leader does."""
        clock = self.clock.clock
        self.records = Records(self.store.load(), self.store, clock, self.vault, keys=(b"key",))
        self._commands = JobCommands(self.records, self.vault, clock, most=self.most)

    @property
    def snapshot(self) -> Snapshot:
        """The current snapshot."""
        return self._previews.snapshot._replace(jobs=self.records.jobs.shown)

    @property
    def service_commands(self) -> JobCommands:
        """The commands themselves, for others of the service."""
        return self._commands

    def command(self, command: Callable[[JobCommands], T]) -> T:
        self.commands += 1
        if self.error:
            raise self.error
        self.take_apps()
        return command(self._commands)

    def take_apps(self) -> None:
        """Let the records have the apps of `previews`."""
        for app in self._previews.known_apps.values():
            if self.records.find_app(app.name) != app:
                self.records.save_app(app)

    def job(self, job_id: str, app: str = "hello") -> JobRecord:
        """Return a job as it is now."""
        return self.records.jobs.job(app, job_id)

    def add_receiver(self, receiver: Receiver, app: str = "hello") -> None:
        """Let an app send notifications to somebody."""
        given = self.records.secrets.of(app)
        self.records.secrets.save(app_secrets.with_receiver(given, receiver))

    def launch(self, job_id: str) -> JobRecord:
        """Let a job's attempt begin on an agent; its task is named like the job and the try."""
        job = self.job(job_id)
        task = f"hello.{job_id}.{job.tries + 1}"
        return self.records.jobs.change(job, Launched(task, "S0", "10.0.0.1"))

    def change(self, job_id: str, transition: Transition[JobRecord], **more: Any) -> JobRecord:
        """Let something happen to a job."""
        return self.records.jobs.change(self.job(job_id), transition, **more)
