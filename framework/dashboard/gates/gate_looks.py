"""What open pages about gates look at, to know whether they are out of date."""

from collections.abc import Callable, Sequence

from framework.dashboard.pages.page_context import PageContext
from framework.dashboard.session.sessions import Viewer


class GateLooks:
    """Each look returns another value once its page is out of date; it is quick."""

    def __init__(self, context: PageContext) -> None:
        self._context = context

    def find_look(self, place: Sequence[str], viewer: Viewer) -> Callable[[], object] | None:
        """Return what looks at [], [app] or [app, name of a gate]; None if that is not theirs."""
        match place:
            case []:
                return lambda: self._look_at_all(viewer, "")
            case [app] if viewer.identity.sees(app):
                return lambda: self._look_at_all(viewer, app)
            case [app, name] if viewer.identity.sees(app):
                return lambda: self._look_at_gate(app, name)
        return None

    def _look_at_all(self, viewer: Viewer, app: str) -> object:
        """Return the gates that a viewer sees, of one app or of all, and which are in force."""
        snapshot, sees = self._context.gates.snapshot, viewer.identity.sees
        gates = {
            name: gate
            for name, gate in snapshot.gates.items()
            if app in ("", gate.app) and sees(gate.app)
        }
        return gates, {name: snapshot.behind.get(name) for name in gates}

    def _look_at_gate(self, app: str, name: str) -> object:
        """Return a gate as it is shown, with what it leads to; None if it is gone."""
        snapshot = self._context.gates.snapshot
        gate = snapshot.gates.get(name)
        if gate is None or gate.app != app:
            return None
        shown = self._context.gate_presenter.show(gate)
        return shown, snapshot.behind.get(name), self._context.ready()
