"""A framework of the small world: it leads, or believes so."""

from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry

from framework import events
from framework.ports.tasks import StatusKind
from framework.state.records import Records
from framework.vault import Keyring
from tests.fakes.driven import make_service
from tests.fakes.manifests import FakeManifests
from tests.fakes.mishaps import FrailStore
from tests.fakes.placements import KEY as SIGNING_KEY
from tests.fakes.small_mesos import SmallLink

if TYPE_CHECKING:
    from tests.fakes.small_world import SmallWorld

NOT_THERE = {StatusKind.AWAY, StatusKind.UNHEALTHY, StatusKind.KILLING, StatusKind.ENDED}
_CONCLUSIVE = {StatusKind.HEALTHY, *NOT_THERE}


class SmallLeader:
    """A framework that leads, or believes so; `statuses` has the last kind of each task."""

    def __init__(self, world: "SmallWorld") -> None:
        world.znodes.epoch += 1
        self.link = SmallLink(world.mesos, world.mishaps, world.look)
        self.registry = CollectorRegistry()
        self.suspended = False
        self.statuses: dict[str, StatusKind] = {}
        self.manifests = FakeManifests()
        store, clock = FrailStore(world.znodes, world.mishaps), world.clock.clock
        self.service = make_service(
            Records(store.load(), store, clock, Keyring(()), keys=(SIGNING_KEY,)),
            self.link,
            new_attempt=lambda: f"t{next(world.numbers)}",
            forget_mirror=world.forgotten.append,
            manifests=self.manifests,
            registry=self.registry,
            clock=clock,
            limits=world.limits,
        )

    def note(self, event: events.Event) -> None:
        match event:
            case events.StoreSuspended():
                self.suspended = True
            case events.StoreResumed():
                self.suspended = False
            case events.TaskStatusReceived(status):
                if status.kind in _CONCLUSIVE:
                    self.statuses[status.task_id] = status.kind

    @property
    def defects(self) -> float:
        return self.registry.get_sample_value("prevs_service_errors_total") or 0.0
