"""The records of stacks, and of what runs in them, whose bytes test_pinned_bytes.py pins."""

from typing import Any

from prevs import names
from prevs.records import PreviewRecord
from prevs.stacks import Member, StackRecord, Variant
from prevs.states import State

SHA = "5c80e7d1a2b3c4d5e6f708192a3b4c5d6e7f8091"

WRITTEN: dict[str, Any] = {
    "preview_instance": PreviewRecord(
        app="shop-cart",
        sha=names.instance_id(SHA, "feature-x--cart-shop"),
        state=State.QUEUED,
        labels=("feature-x--cart-shop",),
        stranger=True,
        instance="feature-x--cart-shop",
        built_from=SHA,
    ),
    "stack": StackRecord(
        name="shop",
        entry="web",
        members={"web": Member("shop-web", "main"), "cart": Member("shop-cart", "stable")},
        variants={
            "feature-x": Variant(
                ref="feature/x",
                found=("cart",),
                chosen={"web": "v1"},
                own=("web", "cart"),
                pinned=True,
                opened=1700000001.5,
                by="ada",
            )
        },
        created=1700000000.25,
        changed=1700000001.0,
        by="deploys",
        signature="5c80e7d1" * 8,
        closed=("feature/y",),
    ),
}

LEAST: dict[str, Any] = {
    "stack": StackRecord("shop", "web", {"web": Member("shop-web", "main")}),
}
