"""A docker daemon, and the images and containers of a test on it."""

import contextlib
import dataclasses
import threading
from collections.abc import Iterator, Mapping, Sequence

from docker.api import APIClient

from executor.container.containers import DockerContainers
from executor.docker.daemon import Daemon
from executor.limits.confinement import Confinement
from executor.limits.disk_schedule import CALM
from executor.network.preview_network import PreviewNetwork
from executor.ports import Container, ContainerSpec, Exit, PublishedPort
from tests.fakes.attempts import MemoryLog
from tests.fakes.containers import RecordingGuard
from tests.fakes.samples import SampleImages, nothing_left

OPEN = Confinement()


@dataclasses.dataclass
class Machine:
    """A docker daemon; what a test has on it bears the name of its cluster."""

    host: str
    cluster: str

    def __post_init__(self) -> None:
        self.daemon = Daemon({"DOCKER_HOST": self.host})
        self.client: APIClient = self.daemon.client()
        self.log = MemoryLog()
        self.guard = RecordingGuard()
        self.images = SampleImages(self.client)

    @property
    def label(self) -> str:
        """The label of all containers."""
        return f"prevs.task={self.cluster}"

    def spec(
        self, command: str, *, number: int = 1, mem: int = 128, ports: Sequence[PublishedPort] = ()
    ) -> ContainerSpec:
        """Return a container of an image of its own, which runs a shell command."""
        return ContainerSpec(
            name=f"prevs-{self.cluster}-{number}",
            image=self.images.add(f"prevs-test/{self.cluster}:{number}", command),
            cpus=0.25,
            mem=mem,
            environment={"PORT": "8080", "PREVS_APP": "hello"},
            labels={"prevs.task": self.cluster, "prevs.app": "hello"},
            ports=ports,
        )

    def containers(self, confined: Confinement = OPEN, *, calm: float = CALM) -> DockerContainers:
        """Return what starts containers in the network of the cluster."""
        network = PreviewNetwork(self.cluster, confined)
        return DockerContainers(self.daemon, network, self.log, self.guard, calm=calm)

    def start(
        self,
        spec: ContainerSpec,
        confined: Confinement = OPEN,
        *,
        ended: threading.Event | None = None,
        calm: float = CALM,
    ) -> Container:
        """Start a container, whose end sets `ended`."""
        end = ended or threading.Event()
        return self.containers(confined, calm=calm).start(spec, on_exit=end.set)

    def run(self, spec: ContainerSpec) -> Exit | None:
        """Return how a container ended by itself; its output is in the log then."""
        ended = threading.Event()
        container = self.start(spec, ended=ended)
        assert ended.wait(60)
        container.drain(15)
        end = container.exit()
        container.remove()
        return end

    def inspect(self, spec: ContainerSpec) -> dict[str, Mapping[str, object]]:
        """Return what docker says of a container."""
        found: dict[str, Mapping[str, object]] = self.client.inspect_container(spec.name)
        return found


@contextlib.contextmanager
def machine(host: str, cluster: str) -> Iterator[Machine]:
    """A machine on which no image and no container is left, only the network of the cluster."""
    made = Machine(host, cluster)
    with nothing_left(made.client, made.label):
        yield made
    made.images.clear()
