import dataclasses
import enum
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prevs import signatures
from prevs.declarations import list_values
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
from prevs.records import AgentsRecord, Placement, PortRange
from prevs.stacks import Member, StackRecord, Variant

SHA, OTHER = "a" * 40, "b" * 40
KEY, OLD = signatures.derive_key("a token"), signatures.derive_key("another token")
PLACEMENT = Placement(f"hello.{SHA}.a1", "10.0.0.1", 31000, ("main", "v1"))
AGENTS = AgentsRecord({"10.0.0.1": (PortRange(31000, 31999),), "10.0.0.2": ()})


def is_good(app: str, sha: str, placement: Placement, *keys: bytes) -> bool:
    signature = signatures.sign_placement(KEY, "hello", SHA, PLACEMENT)
    return signatures.is_placement_signed(keys or (KEY,), app, sha, placement, signature=signature)


def test_a_signature_is_valid_for_its_key_only() -> None:
    assert is_good("hello", SHA, PLACEMENT)
    assert is_good("hello", SHA, PLACEMENT, OLD, KEY)
    assert not is_good("hello", SHA, PLACEMENT, OLD)
    assert KEY != OLD


@pytest.mark.parametrize(
    ("app", "sha", "placement"),
    [
        ("shop", SHA, PLACEMENT),
        ("hello", OTHER, PLACEMENT),
        ("hello", SHA, replace(PLACEMENT, task_id=f"hello.{SHA}.a2")),
        ("hello", SHA, replace(PLACEMENT, host="10.0.0.2")),
        ("hello", SHA, replace(PLACEMENT, port=31001)),
        ("hello", SHA, replace(PLACEMENT, labels=("main",))),
        ("hello", SHA, replace(PLACEMENT, labels=("main", "v1", "v2"))),
        ("hello", SHA, replace(PLACEMENT, labels=("mainv1",))),
        ("hello", SHA, replace(PLACEMENT, protocol="h2")),
        ("hello", SHA, replace(PLACEMENT, services={"result--main": 31001})),
    ],
)
def test_a_signature_is_invalid_for_any_other_record(
    app: str, sha: str, placement: Placement
) -> None:
    assert not is_good(app, sha, placement)


def test_the_ports_of_agents_are_signed_as_a_whole() -> None:
    signed = replace(AGENTS, signature=signatures.sign_agents(KEY, AGENTS))
    assert signatures.are_agents_signed((OLD, KEY), signed)
    assert not signatures.are_agents_signed((OLD,), signed)
    for ports in ({}, {"10.0.0.1": (PortRange(31000, 32000),)}, {**AGENTS.ports, "10.0.0.3": ()}):
        assert not signatures.are_agents_signed((KEY,), replace(signed, ports=ports))


@given(st.text(max_size=70))
def test_an_invented_text_is_not_a_signature(text: str) -> None:
    assert not signatures.is_placement_signed((KEY,), "hello", SHA, PLACEMENT, signature=text)
    assert not signatures.are_agents_signed((KEY,), replace(AGENTS, signature=text))


CANARY = Rule("/v2", (Target("main", 9000), Target("pr-7", 1000)))
VERSION = Condition(ConditionKind.HEADER, "2", "x-version")
RULES = (CANARY, Rule("/", (Target("main"),)))
GATE = GateRecord("api", "shop", Revision(7, RULES), hosts=("api.example.com",))


def of_rules(*rules: Rule) -> GateRecord:
    return replace(GATE, revision=replace(GATE.revision, rules=rules))


def of_variants(variants: Mapping[str, str]) -> GateRecord:
    return replace(GATE, revision=replace(GATE.revision, variants=variants))


@pytest.mark.parametrize(
    "other",
    [
        replace(GATE, name="ap"),
        replace(GATE, app="hello"),
        replace(GATE, hosts=()),
        replace(GATE, created=1.0),
        replace(GATE, revision=replace(GATE.revision, number=8)),
        replace(GATE, revision=replace(GATE.revision, override=(Override.QUERY,))),
        replace(GATE, revision=replace(GATE.revision, refuses_unknown=True)),
        of_rules(CANARY),
        of_rules(replace(CANARY, path="/v1"), RULES[1]),
        of_rules(replace(CANARY, to=(Target("main", 8000), Target("pr-7", 2000))), RULES[1]),
        of_rules(replace(CANARY, to=(Target("main", 9000), Target("pr-8", 1000))), RULES[1]),
        of_rules(replace(CANARY, sticky=Sticky.COOKIE), RULES[1]),
        of_rules(replace(CANARY, when=VERSION), RULES[1]),
        of_variants({"feature-x": "feature-x--api"}),
    ],
)
def test_a_gate_is_signed_with_all_that_chooses(other: GateRecord) -> None:
    signature = signatures.sign_gate(KEY, GATE)
    assert signatures.is_gate_signed((OLD, KEY), replace(GATE, signature=signature))
    assert not signatures.is_gate_signed((OLD,), replace(GATE, signature=signature))
    assert not signatures.is_gate_signed((KEY,), replace(other, signature=signature))


def test_variants_are_signed_with_where_they_lead() -> None:
    known = of_variants({"feature-x": "feature-x--api", "feature-y": "main"})
    signature = signatures.sign_gate(KEY, known)
    assert signatures.is_gate_signed((KEY,), replace(known, signature=signature))
    other_order = of_variants({"feature-y": "main", "feature-x": "feature-x--api"})
    assert signatures.is_gate_signed((KEY,), replace(other_order, signature=signature))
    for variants in (
        {},
        {"feature-x": "feature-x--api"},
        {"feature-x": "main", "feature-y": "main"},
        {"feature-x": "feature-x--api", "feature-z": "main"},
    ):
        assert not signatures.is_gate_signed(
            (KEY,), replace(of_variants(variants), signature=signature)
        )


def test_signatures_are_those_of_0_1_0() -> None:
    """Programs of two versions work side by side, and trust what the other one has signed."""
    signed = [
        signatures.sign_placement(KEY, "hello", SHA, PLACEMENT),
        signatures.sign_agents(KEY, AGENTS),
        signatures.sign_gate(KEY, GATE),
        signatures.sign_whole_gate(KEY, WHOLE),
        signatures.sign_stack(KEY, STACK),
    ]
    assert signed == [
        "3b4cfd71a40e7eafbe32d2bb8e1ee7f57380d213a962ee330e36aceae91506ef",
        "1efb70763516569b9d49966dc964262e183f602f0930ef0d419dbaad6f36edf6",
        "263eea80371ff2cb4e5c9c5d2589ca866ad359fe523cfc66f1220cf3954dfd8f",
        "71bfce3414439c5a205832b24b49d82726aedd7b8b2d81fcc141656b1e03c1e4",
        "551192b9781c3f50dd1cc7417c945328079b4bcbd09f2fa097b9e9f27a03f7b6",
    ]


def test_a_branch_that_goes_changes_no_signature() -> None:
    """It happens by itself."""
    gone = replace(WHOLE, gone={"pr-7": 5.0})
    assert signatures.sign_whole_gate(KEY, gone) == signatures.sign_whole_gate(KEY, WHOLE)


def test_what_proxies_do_not_read_of_a_gate_is_not_signed() -> None:
    signature = signatures.sign_gate(KEY, GATE)
    later = replace(GATE, keep=True, earlier=(GATE.revision,), signature=signature)
    assert signatures.is_gate_signed((KEY,), later)


WHOLE = replace(
    GATE,
    earlier=(replace(GATE.revision, number=6, commits={"main": SHA}),),
    proposal=Proposal(replace(GATE.revision, number=8), awaited=("pr-7",)),
)


def change(value: Any) -> Any:
    """Return another value of the same kind."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, enum.Enum):
        return next(one for one in type(value) if one is not value)
    if isinstance(value, Mapping):
        return dict(list(value.items())[1:]) if value else {"x": "y"}
    return value + {str: "x", float: 1.0, tuple: ("x",)}[type(value)]


SETTINGS = [{name: change(value)} for name, value in list_values(GATE).items()]
"""Each setting of a gate, changed alone."""


def of_proposal(**changes: Any) -> GateRecord:
    assert WHOLE.proposal is not None
    return replace(WHOLE, proposal=replace(WHOLE.proposal, **changes))


@pytest.mark.parametrize(
    "other",
    [
        replace(WHOLE, created=1.0),
        replace(WHOLE, last_number=9),
        replace(WHOLE, revision=replace(GATE.revision, commits={"main": OTHER})),
        replace(WHOLE, revision=replace(GATE.revision, by="ada")),
        replace(WHOLE, earlier=()),
        replace(WHOLE, earlier=(replace(WHOLE.earlier[0], commits={"main": OTHER}),)),
        replace(WHOLE, proposal=None),
        *(replace(WHOLE, **one) for one in SETTINGS),
        *(of_proposal(**one) for one in SETTINGS),
        of_proposal(revision=replace(GATE.revision, number=8, rules=(RULES[1],))),
        of_proposal(revision=replace(GATE.revision, number=8, commits={"pr-7": OTHER})),
        of_proposal(awaited=()),
        of_proposal(failure="It has failed."),
        replace(WHOLE, stack="shop"),
    ],
)
def test_frameworks_trust_a_gate_as_a_whole(other: GateRecord) -> None:
    signature = signatures.sign_whole_gate(KEY, WHOLE)
    kept = replace(WHOLE, whole_signature=signature, signature="of proxies")
    assert signatures.is_whole_gate_signed((OLD, KEY), kept)
    assert signatures.is_whole_gate_signed((KEY,), GateRecord.decode(kept.encode()))
    assert not signatures.is_whole_gate_signed((KEY,), replace(other, whole_signature=signature))
    assert signatures.sign_whole_gate(KEY, GATE) != signatures.sign_gate(KEY, GATE)


STACK = StackRecord(
    "shop",
    "web",
    {"web": Member("pages", "main"), "cart": Member("carts", "v1")},
    {"feature-x": Variant("feature/x", ("web",), {"cart": "v2"}, ("cart",), pinned=True)},
    created=1.0,
    changed=2.0,
    by="ada",
)


@pytest.mark.parametrize(
    "field", [field.name for field in dataclasses.fields(StackRecord) if field.name != "signature"]
)
def test_a_stack_is_signed_with_all_that_it_has(field: str) -> None:
    signed = replace(STACK, signature=signatures.sign_stack(KEY, STACK))
    assert signatures.is_stack_signed((OLD, KEY), StackRecord.decode(signed.encode()))
    assert not signatures.is_stack_signed((OLD,), signed)
    changes: dict[str, Any] = {field: change(getattr(signed, field))}
    assert not signatures.is_stack_signed((KEY,), replace(signed, **changes))


@pytest.mark.parametrize("field", [field.name for field in dataclasses.fields(Variant)])
def test_a_stack_is_signed_with_its_variants(field: str) -> None:
    signed = replace(STACK, signature=signatures.sign_stack(KEY, STACK))
    variant = STACK.variants["feature-x"]
    changes: dict[str, Any] = {field: change(getattr(variant, field))}
    other = replace(signed, variants={"feature-x": replace(variant, **changes)})
    assert not signatures.is_stack_signed((KEY,), other)
