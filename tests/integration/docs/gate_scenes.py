"""The gates in the documentation's pictures, at the fixed time of scenes.NOW."""

import dataclasses

from framework.state.snapshot import Behind
from prevs.gates import (
    Condition,
    ConditionKind,
    GateRecord,
    Override,
    Proposal,
    Revision,
    Rule,
    Sticky,
    Target,
)
from prevs.names import slug
from tests.fakes.dashboard import Dashboard
from tests.integration.docs.scenes import FIX, LABEL, MAIN, NOW, SEARCH

_OLD = Condition(ConditionKind.HEADER, "2015-03-27", "x-api-version")
_ROUNDING = slug("fix/rounding")
_CART = Rule("/v2/cart", (Target("main", 9000), Target(_ROUNDING, 1000)), None, Sticky.COOKIE)
_RULES = (
    Rule("/", (Target("main"),)),
    Rule("/v2/search", (Target("main"),)),
    _CART,
    Rule("/", (Target(_ROUNDING),), _OLD),
)


def fill(dashboard: Dashboard) -> None:
    """Have a gate of the shop with a canary, a change that waits, and two earlier revisions."""
    commits = {"main": MAIN, _ROUNDING: FIX}
    first = Revision(1, _RULES[:1], changed=NOW - 9 * 86400, by="ada", commits={"main": MAIN})
    rules = (*_RULES[:2], dataclasses.replace(_CART, to=(Target("main"),)), _RULES[3])
    second = Revision(2, rules, changed=NOW - 26 * 3600, by="ci", commits=commits)
    waiting = (_RULES[0], dataclasses.replace(_RULES[1], to=(Target(LABEL),)), *_RULES[2:])
    gate = GateRecord(
        name="api",
        app="shop",
        revision=Revision(
            3, _RULES, (Override.HEADER,), True, changed=NOW - 2 * 3600, by="grace", commits=commits
        ),
        hosts=("api.example.com",),
        keep=True,
        created=NOW - 9 * 86400,
        earlier=(second, first),
        proposal=Proposal(
            Revision(4, waiting, (Override.HEADER,), True, by="grace", commits={LABEL: SEARCH}),
            ("api.example.com",),
            keep=True,
            awaited=(LABEL,),
        ),
    )
    dashboard.gates.command(lambda _: None)  # the records get the apps
    dashboard.jobs.records.gates.save(gate)
    dashboard.gates.behind = {"api": Behind(0, 3)}
