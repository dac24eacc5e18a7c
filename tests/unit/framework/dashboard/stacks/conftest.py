"""A dashboard with a stack of the apps `hello` and `basket`, and visitors with each scope."""

from typing import Any

import pytest

from framework.stacks.variants import WrittenVariant
from framework.stacks.written_stack import WrittenStack
from prevs import names
from prevs.records import AppRecord
from prevs.stacks import Member
from prevs.states import State
from tests.fakes.dashboard import Dashboard
from tests.unit.framework.dashboard.conftest import SHA

STACK = "/stacks/shop"
BASKET, CART = "b" * 40, "c" * 40
MEMBERS = {"web": "hello", "cart": "basket"}


@pytest.fixture
def dashboard(dashboard: Dashboard) -> Dashboard:
    """Main of both apps runs, and the basket has a branch `cart-2`."""
    dashboard.previews.known_apps["basket"] = AppRecord("basket", "/basket.git", created=1000.0)
    dashboard.refs.put("basket", "main", BASKET)
    dashboard.refs.put("basket", "cart-2", CART)
    for app, sha in (("hello", SHA), ("basket", BASKET)):
        dashboard.previews.put(app, sha, State.RUNNING, labels=("main",))
    members = {member: Member(app, "main") for member, app in MEMBERS.items()}
    written = WrittenStack("web", members)
    dashboard.stacks.command(lambda commands: commands.write("shop", written, by="ada"))
    return dashboard


def open_variant(dashboard: Dashboard, ref: str = "cart-2", *found: str, **more: Any) -> str:
    """Open a variant whose branch the members in `found` have; return its name."""
    written = WrittenVariant(ref, **more)
    _, name = dashboard.stacks.command(
        lambda commands: commands.open("shop", written, found or ("cart",), by="ada")
    )
    return name


def put_instance(
    dashboard: Dashboard, state: State, member: str = "cart", commit: str = CART, **fields: Any
) -> str:
    """Add the own instance of a member in the variant cart-2; return the id of its preview."""
    label = dashboard.stacks.snapshot.stack("shop").instance("cart-2", member)
    sha = names.instance_id(commit, label)
    own: dict[str, Any] = {"labels": (label,), "instance": label, "built_from": commit}
    dashboard.previews.put(MEMBERS[member], sha, state, **own, **fields)
    return sha
