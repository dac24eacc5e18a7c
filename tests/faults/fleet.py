"""The previews of `site` that run all the time and are visited: where each is, and its address."""

import socket
from collections.abc import Collection

from prevs import names
from prevs.records import PreviewRecord
from prevs.states import State
from tests.faults.picture import Key
from tests.faults.sites import Site
from tests.faults.system import System
from tests.faults.visitors import Address, Download
from tests.waits import describe_record


class Fleet:
    """`labels` of one site in one cluster."""

    def __init__(self, system: System, site: Site, labels: list[str]) -> None:
        self._system = system
        self.site = site
        self.labels = labels

    def host(self, label: str) -> str:
        """Return the host name of a label, as a browser sends it."""
        settings = self._system.settings
        return names.host(label, self.site.app, f"{settings.domain}:{settings.port}")

    def addresses(self) -> list[Address]:
        """Return the addresses that visitors request."""
        return [Address(self.host(label), self.site.page(label)) for label in self.labels]

    def key(self, label: str) -> Key:
        """Return the key of a label's preview."""
        return (self.site.app, self.site.commit(label))

    def record(self, label: str) -> PreviewRecord:
        """Return the record of a label's preview."""
        found = self._system.record(self.key(label))
        assert found is not None, label
        return found

    def is_closed(self, label: str) -> bool:
        """Return whether nobody but a proxy reaches the port of a label's preview."""
        record = self.record(label)
        try:
            socket.create_connection((record.agent_host or "", record.host_port or 0), 2).close()
        except TimeoutError:
            return True
        return False

    def task(self, label: str) -> str:
        """Return the task that a label's preview has now."""
        task = self.record(label).task_id
        assert task is not None, label
        return task

    def tasks(self) -> dict[str, str]:
        """Return the task of every label."""
        return {label: self.task(label) for label in self.labels}

    def agent(self, label: str) -> str:
        """Return the name of the agent that a label's preview is on."""
        host = self.record(label).agent_host or ""
        return f"agent-{host.rpartition('.')[2]}"

    def on(self, agent: str) -> list[str]:
        """Return the labels whose previews are on an agent."""
        return [label for label in self.labels if self.agent(label) == agent]

    def hosts_but(self, labels: Collection[str]) -> list[str]:
        """Return the host names of all labels but some."""
        return [self.host(label) for label in self.labels if label not in labels]

    def download(self, label: str, seconds: float) -> Download:
        """Begin a long answer of a label's preview, and return once it flows."""
        begun = Download(self._system.settings.port, self.host(label), seconds)
        assert begun.flowing.wait(60), begun.outcome()
        return begun

    @property
    def another_label(self) -> tuple[str, str]:
        """One more preview, which does not run all the time: (app, label)."""
        return (self.site.app, self.site.labels[len(self.labels)])

    @property
    def another(self) -> Key:
        """The key of that extra preview."""
        return self.key(self.another_label[1])

    def start_another(self) -> str:
        """Start one more preview and wait until it runs, which needs every part of the system.

        Returns its task.
        """
        self._system.start(*self.another_label)
        return self.wait_another()

    def wait_another(self, *, but: str | None = None) -> str:
        """Wait until that extra preview runs (as another task than `but`); return its task."""
        found = self._wait_running(self.another, but, "one more preview runs")
        return str(found.task_id)

    def stop_another(self) -> None:
        """End that extra preview, and wait until it has ended."""
        path = "/v1/previews/{}/{}".format(*self.another)
        assert self._system.call("DELETE", path).status_code in {202, 404}

        def ended() -> bool:
            record = self._system.record(self.another)
            return record is None or record.state.value == "stopped"

        self._system.wait_for(ended, "one more preview has ended")

    def wait_replaced(self, label: str, old: str) -> PreviewRecord:
        """Wait until a label's preview runs as another task than `old`."""
        return self._wait_running(self.key(label), old, f"{label} runs again")

    def _wait_running(self, key: Key, but: str | None, what: str) -> PreviewRecord:
        """Wait until a preview runs as another task than `but`; fail as soon as it has failed."""
        seen: list[PreviewRecord | None] = [None]

        def running() -> PreviewRecord | None:
            seen[0] = now = self._system.record(key)
            runs = now is not None and now.state is State.RUNNING and now.task_id != but
            return now if runs else None

        def over() -> str | None:
            return describe_record(seen[0])

        found: PreviewRecord = self._system.wait_for(running, what, over=over)
        return found
