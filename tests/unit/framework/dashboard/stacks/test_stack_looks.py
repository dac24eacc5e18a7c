"""Open pages of stacks know when they are out of date."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import cast

from framework.access import Identity, Scope
from framework.dashboard.live import StackLooks
from framework.dashboard.pages.page_context import PageContext
from framework.dashboard.session.sessions import Viewer
from framework.http_api.stacks.stack_presenter import StackPresenter
from framework.state.snapshot import Behind
from prevs import names
from prevs.states import State
from tests.fakes.dashboard import Dashboard
from tests.unit.framework.dashboard.conftest import SHA
from tests.unit.framework.dashboard.stacks.conftest import open_variant, put_instance

ALL = Viewer(Identity("ci", Scope.READ), "")
OF_BASKET = Viewer(Identity("ci", Scope.READ, "basket"), "")


def test_pages_of_stacks_follow_what_runs_in_them(dashboard: Dashboard) -> None:
    stacks = dashboard.stacks
    presenter = StackPresenter(lambda: stacks.snapshot, names.addresses("localhost", 80))
    context = SimpleNamespace(stacks=stacks, stack_presenter=presenter, ready=lambda: None)
    looks = StackLooks(cast(PageContext, context))
    assert looks.find_look(("shop",), OF_BASKET) is None
    assert looks.find_look(("gone",), ALL) is None
    assert looks.find_look(("shop", "more"), ALL) is None
    found = [looks.find_look(*one) for one in (((), ALL), (("shop",), ALL), ((), OF_BASKET))]
    own = [look for look in found if look]
    assert len(own) == 3
    seen = [look() for look in own]

    def differ(change: Callable[[], object]) -> list[bool]:
        nonlocal seen
        change()
        before, seen = seen, [look() for look in own]
        return [now != then for now, then in zip(seen, before, strict=True)]

    previews = dashboard.previews
    assert differ(lambda: open_variant(dashboard)) == [True, True, False]
    assert differ(lambda: put_instance(dashboard, State.QUEUED)) == [False, True, False]
    assert differ(lambda: previews.change("hello", SHA, last_used=9.0)) == [False] * 3
    stop = {"state": State.STOPPED}
    assert differ(lambda: previews.change("hello", SHA, **stop)) == [False, True, False]
    behind = {name: Behind(1, 2) for name in ("shop", "cart-shop")}
    assert differ(lambda: stacks.behind.update(behind)) == [False, True, False]
    remove = differ(lambda: stacks.command(lambda commands: commands.remove("shop")))
    assert remove == [True, True, False]
    assert own[1]() is None
