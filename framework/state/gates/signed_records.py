"""Which records have a signature of which of our tokens. Owned by the service's thread."""

from framework.state.access_records import AccessRecords
from framework.state.gates.gate_records import GateRecords
from framework.state.gates.stack_records import StackRecords
from framework.state.routes import PlacementPublisher
from framework.trust import RecordKind, Refused, RefusedRecords


class SignedRecords:
    """All records that are signed."""

    def __init__(
        self,
        access: AccessRecords,
        gates: GateRecords,
        stacks: StackRecords,
        routes: PlacementPublisher,
    ) -> None:
        self._access, self._gates, self._stacks, self._routes = access, gates, stacks, routes
        self._refused: RefusedRecords = {}

    def count_missigned(self) -> int:
        """Return how many have yet to get the signature of the first token. Thread safe."""
        return sum(one.missigned for one in (self._access, self._gates, self._stacks, self._routes))

    def check_name(self, name: str) -> None:
        """Raise NotTrusted if a gate or stack of that name is left out."""
        self._gates.check(name)
        self._stacks.check(name)

    def find_refused(self) -> RefusedRecords:
        """Return those that no token has signed; the same object while they are the same."""
        # What somebody else has written need not have its entry among its members.
        stacks = [
            (name, *(at.app for key, at in one.members.items() if key == one.entry), "")
            for name, one in self._stacks.refused.items()
        ]
        found = [
            *(Refused(RecordKind.GATE, one.name, one.app) for one in self._gates.refused.values()),
            *(Refused(RecordKind.STACK, name, app) for name, app, *_ in stacks),
            *(Refused(RecordKind.ACCESS, app, app) for app in self._access.refused),
        ]
        by_name = {(one.kind, one.name): one for one in found}
        if by_name != self._refused:
            self._refused = by_name
        return self._refused
