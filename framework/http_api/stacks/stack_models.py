"""Stacks as the API shows them."""

from typing import Any

from pydantic import BaseModel, Field

from framework.http_api.http.examples import example
from framework.http_api.http.paging import Next
from framework.http_api.models.variant_models import MEMBER, VariantMember

_USUAL: dict[str, Any] = {
    "member": "web",
    "app": "hello",
    "label": "main",
    "gate": "shop",
    "url": "http://shop.localhost:8080/",
    "variable": "WEB_URL",
}
VARIANT: dict[str, Any] = {
    "stack": "shop",
    "name": "feature-x",
    "ref": "feature-x",
    "url": "http://feature-x--shop.localhost:8080/",
    "labels": {},
    "own": [],
    "pinned": False,
    "opened": 1764031200.0,
    "by": "ada",
    "behind": 0,
    "members": [MEMBER],
}
STACK: dict[str, Any] = {
    "name": "shop",
    "entry": "web",
    "url": "http://shop.localhost:8080/",
    "members": [_USUAL],
    "variants": [VARIANT],
    "created": 1764000000.0,
    "changed": 1764031200.0,
    "by": "ada",
}


class StackMember(BaseModel):
    """An app of a stack, as it is without a variant."""

    model_config = example(_USUAL)

    member: str
    app: str
    label: str = Field(description="The label that it is at unless a variant says otherwise.")
    gate: str = Field(description="The name of its gate.")
    url: str = Field(description="Its address without a variant.")
    variable: str = Field(description="The variable by which the other members get its address.")


class StackVariant(BaseModel):
    """Choices of labels for members, which have an address."""

    model_config = example(VARIANT)

    stack: str
    name: str
    ref: str = Field(description="The branch or tag that it follows; empty: none.")
    url: str = Field(description="Its address at the entry.")
    labels: dict[str, str] = Field(description="The labels that somebody has chosen, by member.")
    own: list[str] = Field(description="Members with an instance of their own, changed or not.")
    pinned: bool = Field(description="What runs in it alone does not stop when it is idle.")
    opened: float = Field(description="In seconds since the epoch.")
    by: str = Field(description="The token or the person that wrote it last.")
    behind: int | None = Field(
        description="How many proxies do not know it as it is yet; null: not known. With 0 its "
        "addresses are in force everywhere."
    )
    members: list[VariantMember]


class Stack(BaseModel):
    """Apps that are previewed together."""

    model_config = example(STACK)

    name: str
    entry: str = Field(description="The member at which visitors begin.")
    url: str = Field(description="Its address without a variant.")
    members: list[StackMember]
    variants: list[StackVariant] = Field(description="The open ones, by name.")
    created: float
    changed: float = Field(description="When its members were written last.")
    by: str = Field(description="The token or the person that wrote them.")


class Stacks(BaseModel):
    """Stacks, by name."""

    model_config = example({"stacks": [STACK], "next": None})

    stacks: list[Stack]
    next: Next
