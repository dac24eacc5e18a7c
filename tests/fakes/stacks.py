"""The service's stacks: the real commands over the records of FakeJobs, without the service."""

from collections.abc import Callable
from typing import TypeVar

from framework.service.stacks.stack_commands import StackCommands
from framework.service.stacks.stack_service import Stacks
from framework.service.stacks.stack_upkeep import StackUpkeep
from framework.stacks.variants import WrittenVariant
from framework.stacks.written_stack import WrittenStack
from framework.state.snapshot import Behind, Snapshot
from prevs.stacks import Member
from tests.fakes.jobs import FakeJobs
from tests.fakes.previews import FakePreviews

T = TypeVar("T")


class FakeStacks(Stacks):
    """Runs commands at once, on the apps and previews of now; these then know of the stacks."""

    def __init__(self, jobs: FakeJobs, previews: FakePreviews) -> None:
        self._jobs = jobs
        self._previews = previews
        self.behind: dict[str, Behind] = {}

    @property
    def snapshot(self) -> Snapshot:
        """The current snapshot."""
        gates = self._jobs.records.gates.all
        return self._previews.snapshot._replace(gates=gates, behind=self.behind)

    def command(self, command: Callable[[StackCommands], T]) -> T:
        self._jobs.take_apps()
        records, clock = self._jobs.records, self._jobs.clock.clock
        records.save_all(self._previews.known.values())
        try:
            return command(StackCommands(records, StackUpkeep(records, clock), clock))
        finally:
            self._previews.known = {
                key: one for key, one in self._previews.known.items() if not one.instance
            } | {(one.app, one.sha): one for one in records.list_instances()}
            self._previews.gates = records.gates.all
            self._previews.stacks = records.stacks.all
            self._previews.instances = records.stacks.instances

    def open_shop(self, ref: str = "feature-x") -> None:
        """Write the stack shop of web and cart, and open the variant of a branch of web."""
        members = {one: Member(one, "main") for one in ("web", "cart")}
        self.command(
            lambda commands: commands.write("shop", WrittenStack("web", members), by="ada")
        )
        self.command(lambda commands: commands.open("shop", WrittenVariant(ref), ["web"], by="ada"))
