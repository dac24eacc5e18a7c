"""What somebody writes about gates, as /docs shows it. The models check types.

framework.gates.written_gate has the rules and their messages."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from fastapi import Depends, Path, Query
from pydantic import BaseModel, Field

from framework.apps.manifest import declared
from framework.apps.manifest.declared import WHOLE
from framework.gates.switching import Switch
from framework.gates.written_gate import MOST_RULES, WrittenGate
from framework.gates.written_rule import WrittenCondition, WrittenRule, WrittenTarget
from framework.http_api.gates.gate_changes import ChangeOptions
from framework.http_api.http.conditional import IfMatch
from framework.http_api.http.examples import order_example
from framework.http_api.http.parameters import MOST
from prevs.gates import LOTS, GateSettings, Override, Sticky

_NULL: dict[str, Any] = {"type": "null"}
_WHEN: dict[str, Any] = {"header": "X-Api-Version", "is": "2015-03-27"}
_TO: list[dict[str, Any]] = [{"label": "main", "weight": 100.0}]
_RULES: list[dict[str, Any]] = [
    {"path": "/v2", "to": _TO, "sticky": "cookie"},
    {"path": "/", "when": _WHEN, "to": [{"label": "main"}]},
    {"path": "/", "to": [{"label": "main"}]},
]
LABEL: dict[str, Any] = {"maxLength": 63, "pattern": "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$"}
NAME: dict[str, Any] = {**LABEL, "maxLength": 40}
_SETTINGS = declared.order_of(GateSettings, {}, {})

Name = Annotated[str, Path(description="A gate's name.", examples=["api"], json_schema_extra=NAME)]
DryRun = Annotated[
    bool, Query(description="Only answer what would be, with all mistakes. Nothing changes.")
]
Force = Annotated[
    bool,
    Query(
        description="Do not wait until what it leads to runs: the change is in force at once, and "
        "the first request starts it."
    ),
]


async def _find_options(
    *, dry_run: DryRun = False, force: Force = False, if_match: IfMatch = None
) -> ChangeOptions:
    return ChangeOptions(dry_run, force, if_match)


AsOrdered = Annotated[ChangeOptions, Depends(_find_options)]
"""How a change is to be made."""


class ConditionOrder(BaseModel):
    """That a request has a value: one of method, accept, header, cookie and query."""

    model_config = order_example(_WHEN)

    method: str | None = Field(default=None, description="Its method, in capitals.")
    accept: str | None = Field(
        default=None, description="What follows `vnd.` in its Accept: `shop.v2+json`."
    )
    header: str | None = Field(default=None, description="The name of a header.")
    cookie: str | None = Field(default=None, description="The name of a cookie.")
    query: str | None = Field(default=None, description="The name of a parameter of the query.")
    value: str | None = Field(
        default=None,
        alias="is",
        description="The value of that header, cookie or parameter, as it is sent.",
    )


class TargetOrder(BaseModel):
    """Where a rule leads."""

    model_config = order_example({"label": "main", "weight": 90.0})

    label: str = Field(
        description="A branch's or tag's slug, or a commit.", json_schema_extra=LABEL
    )
    weight: float | None = Field(
        default=None,
        description="How many of 100 clients go there, with two decimals at most. Alone it needs "
        "none.",
        json_schema_extra={
            "anyOf": [{"type": "number", "minimum": 0, "maximum": 100}, {"type": "null"}]
        },
    )


class RuleOrder(BaseModel):
    """Where requests go whose path begins with the segments of `path`."""

    model_config = order_example(_RULES[0])

    path: str = Field(description="As clients send it. /v1 is not /v10.")
    when: ConditionOrder | None = Field(
        default=None, description="What must hold besides; null: nothing."
    )
    to: list[TargetOrder] = Field(
        description="One to three targets. The first one takes the clients that others leave."
    )
    sticky: str = Field(
        default=Sticky.ADDRESS.value,
        description="What keeps a client at its target: its address, or a cookie.",
        json_schema_extra={"enum": [one.value for one in Sticky]},
    )


class _WrittenRules(BaseModel):
    app: str = Field(description="The app whose labels it leads to.", json_schema_extra=NAME)
    rules: list[RuleOrder] = Field(
        description="Which requests go where.",
        json_schema_extra={"minItems": 1, "maxItems": MOST_RULES},
    )


# hosts and the other settings follow from GateSettings.
class GateOrder(_SETTINGS, _WrittenRules):  # type: ignore[misc, valid-type]
    """A gate as a whole. The order of its rules means nothing."""

    model_config = order_example({"app": "hello", "rules": _RULES, "unknown": 400})

    override: list[str] = Field(
        default_factory=list,
        description="How a request may name its label itself: by the `header` X-Prevs-Ref, the "
        "`query` or the `cookie` prevs-ref.",
        json_schema_extra={"items": {"enum": [one.value for one in Override]}},
    )
    unknown: Annotated[int, WHOLE] | None = Field(
        default=None,
        description="400 refuses a version that no rule has; null lets the other rules decide.",
        json_schema_extra={"anyOf": [{"type": "integer", "enum": [400]}, _NULL]},
    )


class SwitchOrder(BaseModel):
    """Which rule leads where from now on."""

    model_config = order_example({"path": "/", "label": "main"})

    path: str = Field(default="/", description="The rule's path.")
    when: ConditionOrder | None = Field(default=None, description="The rule's condition.")
    label: str = Field(description="Its target.", json_schema_extra=LABEL)
    weight: float | None = Field(
        default=None,
        description="How many of 100 clients go to `label`. The first target takes the rest; "
        "null: all of them go to `label`.",
        json_schema_extra={"anyOf": [{"type": "number", "minimum": 0, "maximum": 100}, _NULL]},
    )


class RollbackOrder(BaseModel):
    """To which revision."""

    model_config = order_example({"revision": 6})

    revision: Annotated[int, WHOLE] | None = Field(
        default=None,
        description="The number of an earlier revision. null: what was before the last change. "
        "That of the revision in force: a change that waits is given up.",
        json_schema_extra={"anyOf": [{"type": "integer", "minimum": 1, "maximum": MOST}, _NULL]},
    )


class TryOrder(BaseModel):
    """A request to a gate, as its client sends it."""

    model_config = order_example(
        {"method": "GET", "path": "/v1/items", "headers": {"X-Api-Version": "2015-03-27"}}
    )

    method: str = "GET"
    path: str = Field(description="Without the query.")
    headers: dict[str, str] = Field(
        default_factory=dict,
        description="Their names in any case. Blanks around a value are none of it.",
    )
    cookies: dict[str, str | list[str]] = Field(
        default_factory=dict,
        description="Those beside the header Cookie. Of several of a name, the last one counts.",
    )
    query: dict[str, str] = Field(default_factory=dict)
    lot: Annotated[int, Field(ge=0, lt=LOTS), WHOLE] | None = Field(
        default=None,
        description="The client's number, which decides among targets; null: not known.",
    )


def read(order: GateOrder) -> WrittenGate:
    """Return what is written, unchecked."""
    return WrittenGate(
        app=order.app,
        rules=tuple(map(_read_rule, order.rules)),
        override=tuple(order.override),
        unknown=order.unknown,
        **declared.read(GateSettings, order.model_dump()),
    )


def read_switch(order: SwitchOrder) -> Switch:
    """Return what is to be switched, unchecked."""
    return Switch(order.path, order.label, _read_condition(order.when), order.weight)


def write_cookies(headers: Mapping[str, str], cookies: Mapping[str, str | Sequence[str]]) -> str:
    """Return all cookies of a request as one header, as a client sends them."""
    pairs = [
        f"{name}={value}"
        for name, values in cookies.items()
        for value in ([values] if isinstance(values, str) else values)
    ]
    return "; ".join([*filter(None, [headers.get("cookie", "")]), *pairs]).strip(" \t")


def _read_rule(rule: RuleOrder) -> WrittenRule:
    return WrittenRule(rule.path, _read_targets(rule.to), _read_condition(rule.when), rule.sticky)


def _read_targets(targets: Sequence[TargetOrder]) -> tuple[WrittenTarget, ...]:
    return tuple(WrittenTarget(one.label, one.weight) for one in targets)


def _read_condition(when: ConditionOrder | None) -> WrittenCondition | None:
    if when is None:
        return None
    return WrittenCondition(**{name: value or "" for name, value in when.model_dump().items()})
