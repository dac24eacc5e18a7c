"""The records of gates whose bytes test_pinned_bytes.py pins."""

from typing import Any

from prevs.gates import (
    Condition,
    ConditionKind,
    GateRecord,
    OnDelete,
    Override,
    Proposal,
    Revision,
    Rule,
    Sticky,
    Target,
)

SHA = "5c80e7d1a2b3c4d5e6f708192a3b4c5d6e7f8091"
VERSION = Condition(ConditionKind.HEADER, "2015-03-27", "x-api-version")
CANARY = (Target("main", 9000), Target("pr-7", 1000))

WRITTEN: dict[str, Any] = {
    "gate": GateRecord(
        name="api",
        app="shop",
        revision=Revision(
            number=7,
            rules=(
                Rule("/v2", CANARY, sticky=Sticky.COOKIE),
                Rule("/", (Target("v1"),), VERSION),
                Rule("/", (Target("main"),)),
            ),
            override=(Override.HEADER, Override.COOKIE),
            refuses_unknown=True,
            changed=1700000001.5,
            by="deploys",
            variants={"feature-x": "feature-x--api", "feature-y": "main"},
        ),
        hosts=("api.example.com",),
        keep=True,
        created=1700000000.25,
        earlier=(Revision(6, (Rule("/", (Target("main"),)),), changed=1.0, commits={"main": SHA}),),
        proposal=Proposal(
            Revision(8, (Rule("/", (Target("v2"),)),), by="ada", commits={"v2": SHA}),
            hosts=("api.example.com",),
            keep=True,
            awaited=("v2",),
            failure="v2 cannot be built.",
            on_delete=OnDelete.DEFAULT,
        ),
        signature="5c80e7d1" * 8,
        whole_signature="7be0ac6d" * 8,
        last_number=8,
        stack="api",
        on_delete=OnDelete.DEFAULT,
        gone={"pr-7": 1700000003.5},
    ),
}

LEAST: dict[str, Any] = {
    "gate": GateRecord("api", "shop", Revision(1, (Rule("/", (Target("main"),)),))),
}
