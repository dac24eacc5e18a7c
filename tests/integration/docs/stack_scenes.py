"""The stack in the documentation's picture, at the fixed time of scenes.NOW."""

from typing import Any

from framework.service.stacks.stack_upkeep import OF_PULLS
from framework.state.snapshot import Behind
from prevs import names
from prevs.stacks import Member, StackRecord, Variant
from prevs.states import State
from tests.fakes.dashboard import Dashboard
from tests.integration.docs.scenes import LABEL, MAIN, NOW, SEARCH

_SEPA = "d94b7a0c" * 5
_STACK = StackRecord(
    name="store",
    entry="web",
    members={
        "web": Member("shop", "main"),
        "payments": Member("payments", "main"),
        "help": Member("docs", "main"),
    },
    variants={
        LABEL: Variant(ref=LABEL, found=("web",), opened=NOW - 14 * 60, by=OF_PULLS),
        "sepa": Variant(
            ref="sepa",
            found=("payments",),
            own=("web",),
            pinned=True,
            opened=NOW - 26 * 3600,
            by="grace",
        ),
    },
    created=NOW - 9 * 86400,
    changed=NOW - 3 * 86400,
    by="ada",
)


def fill(dashboard: Dashboard) -> None:
    """Have a stack of the three apps: one variant is built, and another one runs."""
    dashboard.stacks.command(lambda _: None)  # the records get the apps
    dashboard.jobs.records.stacks.save(_STACK)
    _put(dashboard, LABEL, "web", SEARCH, State.BUILDING)
    _put(dashboard, "sepa", "web", MAIN, State.RUNNING)
    _put(dashboard, "sepa", "payments", _SEPA, State.RUNNING)
    dashboard.stacks.behind = {_STACK.gate(member): Behind(0, 3) for member in _STACK.members}
    dashboard.stacks.command(lambda _: None)  # the previews get the stack


def _put(dashboard: Dashboard, variant: str, member: str, commit: str, state: State) -> None:
    label = _STACK.instance(variant, member)
    own: dict[str, Any] = {"labels": (label,), "instance": label, "built_from": commit}
    sha = names.instance_id(commit, label)
    dashboard.previews.put(_STACK.members[member].app, sha, state, **own)
