"""A docker daemon's containers, in memory; tests/contract/test_containers.py proves it."""

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path

from executor.errors import ImageMissing
from executor.ports import ContainerSpec, Exit, Left, Log


@dataclasses.dataclass(frozen=True)
class App:
    """The application of an image: prints `output`, and exits at once if `exits` is set.

    `left` is what the command of a job leaves.
    """

    output: bytes = b""
    exits: Exit | None = None
    obeys_sigterm: bool = True
    left: Left = dataclasses.field(default_factory=Left)


class FakeContainer:
    """A container of FakeContainers."""

    def __init__(
        self,
        app: App,
        on_exit: Callable[[], None],
        forget: Callable[[], None],
        *,
        removing: Callable[[], object],
        terminating: Callable[[], object],
    ) -> None:
        self.app = app
        self._removing = removing
        self._terminating = terminating
        self.terminated = False
        self._on_exit = on_exit
        self._forget = forget
        self._exit: Exit | None = None
        self.kills: Callable[[], int] = lambda: 0

    def memory_kills(self) -> int:
        """Return how many of its processes were killed, by `kills`."""
        return self.kills()

    def end(self, exit_: Exit) -> None:
        """Let the application end by itself."""
        self._exit = exit_
        self._on_exit()

    def exit(self) -> Exit | None:
        """Return how it ended, None while it runs."""
        return self._exit

    def terminate(self) -> bool:
        """Let the application end, if it obeys; return whether it ran still."""
        self._terminating()
        self.terminated = True
        was_running = self._exit is None
        if self.app.obeys_sigterm and was_running:
            self.end(Exit(143, out_of_memory=False))
        return was_running

    def read_progress(self) -> bytes | None:
        """Return the text of its progress file, None if it has written none."""
        return self.app.left.progress or None

    def take(self, folder: Path) -> Left:
        """Return what its command left."""
        del folder
        return self.app.left

    def drain(self, seconds: float) -> None:
        """Nothing to wait for: output is written when the container starts."""

    def remove(self) -> None:
        """Remove it; one that is gone is no error."""
        self._removing()
        if self._exit is None:
            self.end(Exit(137, out_of_memory=False))
        self._forget()


class FakeContainers:
    """Fulfils the port Containers; `apps` is what each image runs, or each command as one text.

    `terminating` and `removing` are called before a container is terminated or removed, and may
    block. The first `missing` starts fail because their image was removed.
    """

    def __init__(self, apps: Mapping[str, App], log: Log) -> None:
        self._apps = apps
        self._log = log
        self.terminating: Callable[[], object] = lambda: None
        self.removing: Callable[[], object] = lambda: None
        self.running: dict[str, FakeContainer] = {}
        self.specs: list[ContainerSpec] = []
        self.missing = 0

    def start(self, spec: ContainerSpec, *, on_exit: Callable[[], None]) -> FakeContainer:
        """Start what the image runs. Raises ImageMissing for one that is not there."""
        self.specs.append(spec)
        if self.missing:
            self.missing -= 1
            raise ImageMissing(f"No such image: {spec.image}.")
        if spec.image not in self._apps:
            raise ImageMissing(f"No such image: {spec.image}.")
        if spec.name in self.running:
            self.running[spec.name].remove()
        command = " ".join(spec.command)
        app = self._apps[command if command in self._apps else spec.image]
        container = FakeContainer(
            app,
            on_exit,
            lambda: self._forget(spec.name, container),
            removing=self.removing,
            terminating=self.terminating,
        )
        self.running[spec.name] = container
        self._log.write(app.output)
        if app.exits is not None:
            container.end(app.exits)
        return container

    def _forget(self, name: str, container: FakeContainer) -> None:
        if self.running.get(name) is container:
            del self.running[name]


class RecordingGuard:
    """Fulfils Guard of executor/container/containers.py: keeps which containers it guards."""

    def __init__(self) -> None:
        self.held: set[str] = set()

    def labels(self) -> Mapping[str, str]:
        """Return a label that nothing uses."""
        return {"prevs.attempts": "test"}

    def register(self, name: str) -> None:
        """Keep the name."""
        self.held.add(name)

    def keep(self, name: str) -> None:
        """Keep the name."""
        self.held.add(name)

    def wait_for_reaper(self) -> None:
        """Nothing of others is left."""

    def unregister(self, name: str) -> None:
        """Forget it."""
        self.held.discard(name)
