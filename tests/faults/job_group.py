"""Jobs of the fault cluster that were requested together: what became of each, and its starts."""

import re
import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from executor.attempt.course import IMAGE_GONE
from tests.faults.sites import Site
from tests.faults.system import System

_ENDED = ("succeeded", "failed", "cancelled")
_BUSYBOX = ("/bin/busybox", "sh", "-c")
_STDOUT = "agent-*/agents/0/work/slaves/*/frameworks/*/executors/*/runs/*/jobs/*/stdout"

Job = Mapping[str, Any]


class JobGroup:
    """Jobs of one site, in one cluster, each by its place in the request."""

    def __init__(self, system: System, site: Site) -> None:
        self._system = system
        self._site = site
        self.name = f"g-{uuid.uuid4().hex[:8]}"
        self._ids: list[str] = []
        self._body: dict[str, Any] = {}

    def request(self, script: str, terms: Sequence[Mapping[str, Any]]) -> None:
        """Request a job for each of `terms`, which runs `script` in a shell; in one request.

        A second time it is the same request, with the same key.
        """
        orders = [
            {
                "label": self._site.labels[0],
                # An attempt's log begins with its command: the last word tells whose it is.
                "command": [*_BUSYBOX, script, self._tag(number)],
                "group": self.name,
                **each,
            }
            for number, each in enumerate(terms)
        ]
        self._body = {"jobs": orders}
        self._ids = self.repeat()

    def repeat(self) -> list[str]:
        """Send the same request again; return the ids of the jobs in the answer."""
        answer = self._system.call(
            "POST", f"/v1/apps/{self._site.app}/jobs", key=self.name, **self._body
        )
        assert answer.status_code == 202, answer.text
        return [str(job["id"]) for job in answer.json()["jobs"]]

    @property
    def ids(self) -> list[str]:
        """The ids, by place."""
        return self._ids

    def find(self) -> list[Job]:
        """Return all jobs, by place."""
        query = f"app={self._site.app}&group={self.name}&limit=500"
        listed = self._system.call("GET", f"/v1/jobs?{query}").json()["jobs"]
        found = {job["id"]: job for job in listed}
        return [found[job_id] for job_id in self._ids]

    def show(self, number: int) -> Job:
        """Return one job with its attempts."""
        path = f"/v1/apps/{self._site.app}/jobs/{self._ids[number]}"
        found: Job = self._system.call("GET", path).json()
        return found

    def wait_running(self, number: int) -> list[Job]:
        """Wait until the commands of so many run; return those jobs."""

        def look() -> list[Job] | None:
            now = [job for job in self.find() if job["state"] == "running"]
            return now if len(now) >= number else None

        found: list[Job] = self._system.wait_for(look, f"{number} jobs run")
        return found

    def wait_ended(self) -> list[Job]:
        """Wait until all have ended; return them."""

        def look() -> list[Job] | None:
            now = self.find()
            return now if all(job["state"] in _ENDED for job in now) else None

        found: list[Job] = self._system.wait_for(look, "all jobs have ended")
        return found

    def count_starts(self) -> Counter[int]:
        """Return how often the command of each was about to start, as all agents have logged it.

        The executor writes the line before it starts the container. So no start is missed; one that
        failed is counted as well, except where the log says that its image was gone.
        """
        return count_starts(self._system.folder, self.name)

    def count_ends(self) -> Counter[int]:
        """Return how often each has ended, as the frameworks have logged it."""
        logs = [_read(self._system.settings.log(name)) for name in self._system.frameworks]
        line = re.compile(r'"a job has another state".* job=(\w+) .*state=(\w+) ')
        ended = Counter(job for log in logs for job, state in line.findall(log) if state in _ENDED)
        return Counter({number: ended[job] for number, job in enumerate(self._ids)})

    def _tag(self, number: int) -> str:
        return f"{self.name}-{number}"


def count_starts(folder: Path, group: str) -> Counter[int]:
    """Return how often each command of a group was about to start on the agents of a cluster.

    Its last word is GROUP-NUMBER.
    """
    gone = re.escape(IMAGE_GONE)
    line = re.compile(rf"^== running .* {group}-(\d+) ==$(?!\n+== {gone})", re.MULTILINE)
    logs = [path for path in folder.glob(_STDOUT) if path.parents[2].name != "latest"]
    return Counter(int(tag) for log in logs for tag in line.findall(_read(log)))


def _read(log: Path) -> str:
    return log.read_text(errors="replace")
