"""A stack on the dashboard in these tests, with variants, hostile where others write."""

import time
from typing import Any

from framework.stacks.variants import WrittenVariant
from framework.stacks.written_stack import WrittenStack
from framework.state.snapshot import Behind
from prevs import names
from prevs.records import AppRecord, Failure
from prevs.stacks import Member
from prevs.states import Cause, State
from tests.fakes.dashboard import Dashboard
from tests.integration.dashboard.scene import FAILED, HOSTILE, SHA

STACK = "/stacks/shop"
CART = "2" * 40
_APPS = {"web": "hello", "cart": "shop-basket", "prices": "p" * 40}


def put_stack(dashboard: Dashboard) -> None:
    """Add three apps and their stack; main of each runs, and the basket has feature/cart."""
    for number, app in enumerate(_APPS.values()):
        if app not in dashboard.previews.known_apps:
            record = AppRecord(app, f"/{app}.git", created=time.time())
            dashboard.previews.known_apps[app] = record
        sha = SHA if app == "hello" else f"{number}" * 40
        dashboard.refs.put(app, "main", sha)
        dashboard.previews.put(app, sha, State.RUNNING, labels=("main",))
    dashboard.refs.put("shop-basket", names.slug("feature/cart"), CART)
    members = {member: Member(app, "main") for member, app in _APPS.items()}
    written = WrittenStack("web", members)
    dashboard.stacks.command(lambda commands: commands.write("shop", written, by="ada"))


def open_variant(dashboard: Dashboard, ref: str, *found: str, by: str = "ada", **more: Any) -> str:
    """Open a variant whose branch the members in `found` have; return its name."""
    written = WrittenVariant(ref, **more)
    _, name = dashboard.stacks.command(
        lambda commands: commands.open("shop", written, found, by=by)
    )
    return name


def put_instance(
    dashboard: Dashboard, variant: str, member: str, state: State, **fields: Any
) -> str:
    """Add a variant's own instance of a member; return the id of its preview."""
    stack = dashboard.stacks.snapshot.stack("shop")
    label, commit = stack.instance(variant, member), fields.pop("commit", CART)
    sha = names.instance_id(commit, label)
    app = stack.members[member].app
    dashboard.previews.put(
        app, sha, state, labels=(label,), instance=label, built_from=commit, **fields
    )
    return sha


def put_variants(dashboard: Dashboard) -> None:
    """Open variants: one with failed and waiting instances, one with all its own, one unstarted."""
    put_stack(dashboard)
    one = open_variant(dashboard, "feature/cart", "cart", own=("web",), by=HOSTILE)
    failure = Failure(Cause.BUILD_FAILED, HOSTILE * 5, 1)
    put_instance(dashboard, one, "cart", State.FAILED, failure=failure, commit=FAILED)
    sha = put_instance(dashboard, one, "web", State.QUEUED, reason=HOSTILE, commit=SHA)
    dashboard.previews.queue_places["hello", sha] = 1
    open_variant(dashboard, "l" * 200, own=tuple(_APPS), chosen={"web": "broken"})
    dashboard.stacks.command(lambda commands: commands.pin("shop", one, pinned=True))
    dashboard.stacks.behind = {name: Behind(2, 3) for name in ("shop", "cart-shop", "prices-shop")}
