"""What open pages about stacks look at, to know whether they are out of date."""

from collections.abc import Callable, Sequence

from framework.dashboard.pages.page_context import PageContext
from framework.dashboard.session.sessions import Viewer
from framework.http_api.stacks import stack_rights


class StackLooks:
    """Each look returns another value once its page is out of date; it is quick."""

    def __init__(self, context: PageContext) -> None:
        self._context = context

    def find_look(self, place: Sequence[str], viewer: Viewer) -> Callable[[], object] | None:
        """Return what looks at [] or [name of a stack]; None if that is not theirs."""
        match place:
            case []:
                return lambda: self._look_at_all(viewer)
            case [name] if self._look_at_stack(name, viewer) is not None:
                return lambda: self._look_at_stack(name, viewer)
        return None

    def _look_at_all(self, viewer: Viewer) -> object:
        """Return the stacks that a viewer sees."""
        stacks = self._context.stacks.snapshot.stacks
        return [one for one in stacks.values() if stack_rights.sees(viewer.identity, one)]

    def _look_at_stack(self, name: str, viewer: Viewer) -> object:
        """Return a stack as it is shown, with what runs in it; None if they see none of it."""
        stack = self._context.stacks.snapshot.stacks.get(name)
        if stack is None or not stack_rights.sees(viewer.identity, stack):
            return None
        return self._context.stack_presenter.show(stack), self._context.ready()
