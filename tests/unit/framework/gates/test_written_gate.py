"""A gate as people write it: what is wrong with it, and the record that it makes."""

from collections.abc import Sequence
from typing import Any

import pytest

from framework.errors import InvalidSettings, Problem
from framework.gates.written_gate import MOST_LABELS, Neighbours, WrittenGate, check
from framework.gates.written_rule import WrittenCondition, WrittenRule, WrittenTarget
from prevs.gates import (
    Condition,
    ConditionKind,
    GateRecord,
    Override,
    Revision,
    Rule,
    Sticky,
    Target,
)

NOW = 1_795_860_000.5
AROUND = Neighbours(
    "prevs.example",
    apps=("shop", "cart"),
    gates={"www.prevs.example": "www", "www.example.com": "www", "old.example.com": "api"},
)
When = WrittenCondition
DATE = "2015-03-27"
VERSION = When(header="X-Api-Version", value=DATE)


def to(*labels: str) -> tuple[WrittenTarget, ...]:
    return tuple(map(WrittenTarget, labels))


def weigh(**weights: float) -> tuple[WrittenTarget, ...]:
    return tuple(WrittenTarget(label, weight) for label, weight in weights.items())


ROOT = WrittenRule("/", to("main"))


def make(*rules: WrittenRule, name: str = "api", **fields: Any) -> GateRecord:
    before = fields.pop("before", None)
    written = WrittenGate("shop", rules or (ROOT,), **fields)
    return check(name, written, AROUND, now=NOW, by="ada", before=before)


def problems(*rules: WrittenRule, **fields: Any) -> Sequence[Problem]:
    with pytest.raises(InvalidSettings) as raised:
        make(*rules, **fields)
    return raised.value.problems


def find_wrong(*rules: WrittenRule, **fields: Any) -> tuple[str, str]:
    (problem,) = problems(*rules, **fields)
    return problem


def test_what_is_written_is_what_is_stored() -> None:
    record = make(
        WrittenRule("/v1/", to("v1")),
        WrittenRule("/v2", weigh(main=87.66, v1=12.34), sticky="cookie"),
        WrittenRule("/", to("main"), When(accept="Shop.V2+json")),
        WrittenRule("/", to("main"), When(accept="x" * 200)),
        WrittenRule("/", to("v1"), VERSION),
        WrittenRule("/", to("v1"), When(method="POST")),
        WrittenRule("/", to("v1"), When(cookie="Tester", value="1")),
        WrittenRule("/", weigh(v1=100), None),
        hosts=["API.example.com.", "shop.example.com"],
        keep=True,
        override=["cookie", "header"],
        unknown=400,
    )
    v1 = (Target("v1"),)
    assert record == GateRecord(
        name="api",
        app="shop",
        revision=Revision(
            number=1,
            rules=(
                Rule("/v1", v1),
                Rule("/v2", (Target("main", 8766), Target("v1", 1234)), sticky=Sticky.COOKIE),
                Rule("/", (Target("main"),), Condition(ConditionKind.ACCEPT, "shop.v2+json")),
                Rule("/", (Target("main"),), Condition(ConditionKind.ACCEPT, "x" * 200)),
                Rule("/", v1, Condition(ConditionKind.HEADER, "2015-03-27", "x-api-version")),
                Rule("/", v1, Condition(ConditionKind.METHOD, "POST")),
                Rule("/", v1, Condition(ConditionKind.COOKIE, "1", "Tester")),
                Rule("/", v1),
            ),
            override=(Override.HEADER, Override.COOKIE),
            refuses_unknown=True,
            changed=NOW,
            by="ada",
        ),
        hosts=("api.example.com", "shop.example.com"),
        keep=True,
        created=NOW,
    )
    assert GateRecord.decode(record.encode()) == record


@pytest.mark.parametrize(
    ("path", "wrong"),
    [
        ("", "must begin with /"),
        ("v1", "must begin with /"),
        ("/a b", "must begin with /"),
        ("/é", "others as %C3%A9"),
        ("/a?b=1", "must begin with /"),
        ("/a%2", "must begin with /"),
        ("/a;b", "must begin with /"),
        ("/" + "a" * 200, "up to 200 characters"),
        ("//v1", "cannot have //"),
        ("/v1//", "cannot have //"),
        ("/v1/../v2", "cannot have //, /./ or /../"),
        ("/v1/%2E%2E", "has %2E, which clients send as ."),
        ("/_prevs", "cannot be below /_prevs"),
        ("/_prevs/logs/", "cannot be below /_prevs"),
    ],
)
def test_a_path_is_written_as_it_is_sent(path: str, wrong: str) -> None:
    field, message = find_wrong(ROOT, WrittenRule(path, to("v1")))
    assert field == "rules[1].path"
    assert wrong in message


def test_a_gate_does_nothing_that_is_not_written() -> None:
    record = make()
    assert record == GateRecord("api", "shop", record.revision, created=NOW)
    assert record.revision == Revision(1, (Rule("/", (Target("main"),)),), changed=NOW, by="ada")


@pytest.mark.parametrize("path", ["/v1.0/~a", "/%C3%A9", "/...", "/_prevs2", "/a:b@c!$&'()*+,="])
def test_other_paths_may_be_written(path: str) -> None:
    assert make(ROOT, WrittenRule(path, to("v1"))).revision.rules[1].path == path


@pytest.mark.parametrize(
    ("when", "wrong"),
    [
        (When(), "must have one of method, accept, header, cookie, query"),
        (When(method="GET", accept="x"), "For two of them write two rules."),
        (When(method="get"), "must have a method of GET, HEAD"),
        (When(method="TRACE"), "must have a method"),
        (When(method="GET", value="1"), "goes with header, cookie and query. Write method alone."),
        (When(accept="application/vnd.shop+json"), "what follows `vnd.`"),
        (When(accept="x" * 201), "what follows `vnd.`"),
        (When(header="X-Version"), "needs the value"),
        (When(header="X Version", value="1"), "must name a header"),
        (When(header="X" * 65, value="1"), "of 1 to 64"),
        (When(header="Accept", value="1"), "Write accept instead"),
        (When(header="Cookie", value="1"), "Write cookie instead"),
        (When(header="Host", value="a"), "another gate"),
        (When(header="Authorization", value="1"), "no place for a secret"),
        (When(header="X-Forwarded-For", value="1"), "which proxies remove"),
        (When(header="X-Prevs-Ref", value="1"), "which proxies remove"),
        (When(header="X_Prevs_Ref", value="1"), "which proxies remove"),
        (When(header="Upgrade", value="1"), "which proxies remove"),
        (When(cookie="prevs-lot", value="1"), "is prevs's own"),
        (When(cookie="__Host-prevs-access", value="1"), "is prevs's own"),
        (When(cookie="a.b", value="1"), "must name a cookie"),
        (When(query="prevs-ref", value="1"), "is prevs's own"),
        (When(query="a=b", value="1"), "must name a query"),
        (When(query="v", value="a b"), "without spaces"),
        (When(query="v", value="é"), "%C3%A9"),
        (When(header="x", value='"'), "visible ASCII"),
        (When(header="x", value="a;b"), "visible ASCII"),
        (When(header="x", value="a\\b"), "visible ASCII"),
        (When(header="x", value="1" * 201), "up to 200"),
    ],
)
def test_a_condition_has_to_be_able_to_hold(when: WrittenCondition, wrong: str) -> None:
    field, message = find_wrong(ROOT, WrittenRule("/", to("v1"), when))
    assert field == "rules[1].when"
    assert wrong in message


@pytest.mark.parametrize(
    ("when", "kind", "name"),
    [
        (When(header="x", value="a,b/c|d=[1]<2>{}~!#"), ConditionKind.HEADER, "x"),
        (When(query="a.b~c", value="%C3%A9"), ConditionKind.QUERY, "a.b~c"),
        (When(query="V", value="1"), ConditionKind.QUERY, "V"),
        (When(header="x" * 64, value="1" * 200), ConditionKind.HEADER, "x" * 64),
    ],
)
def test_other_conditions_may_be_written(
    when: WrittenCondition, kind: ConditionKind, name: str
) -> None:
    _, rule = make(ROOT, WrittenRule("/", to("v1"), when)).revision.rules
    assert rule.when == Condition(kind, when.value, name)


@pytest.mark.parametrize(
    ("targets", "field", "wrong"),
    [
        ((), "to", "must be 1 to 3 targets, not 0"),
        (weigh(a=25, b=25, c=25, d=25), "to", "must be 1 to 3 targets, not 4"),
        (to("Main"), "to[0].label", "must be a label"),
        (weigh(a=50) + weigh(a=50), "to[1].label", "is there twice"),
        (to("a", "b"), "to[0].weight", "is missing"),
        (weigh(a=90, b=5), "to", "make 100 together, not 95"),
        (weigh(a=99), "to", "make 100 together, not 99"),
        (weigh(a=101, b=-1), "to[0].weight", "must be from 0 to 100, not 101"),
        (weigh(a=float("nan"), b=1), "to[0].weight", "must be from 0 to 100, not nan"),
        (weigh(a=99.999, b=0.001), "to[0].weight", "may have two decimals"),
    ],
)
def test_weights_make_a_hundred(targets: tuple[WrittenTarget, ...], field: str, wrong: str) -> None:
    found, message = find_wrong(WrittenRule("/", targets))
    assert found == f"rules[0].{field}"
    assert message.startswith(wrong) or message.endswith(wrong)


def test_a_target_without_weight_keeps_its_lots_at_the_end() -> None:
    rule = make(WrittenRule("/", weigh(main=66.67, a=0, b=33.33))).revision.rules[0]
    assert [target.weight for target in rule.to] == [6667, 0, 3333]


@pytest.mark.parametrize(
    ("second", "field", "first_place"),
    [
        (ROOT, "path", 0),
        (WrittenRule("/v1/", to("v1")), "path", 1),
        (WrittenRule("/v1", to("v1"), When(header="x-api-version", value=DATE)), "when", 2),
        (WrittenRule("/v1", to("v1"), When(accept="SHOP")), "when", 3),
    ],
)
def test_two_rules_with_one_condition_are_refused(
    second: WrittenRule, field: str, first_place: int
) -> None:
    first = [
        ROOT,
        WrittenRule("/v1", to("main")),
        WrittenRule("/v1", to("main"), VERSION),
        WrittenRule("/v1", to("main"), When(accept="shop")),
    ]
    found, message = find_wrong(*first, second)
    assert found == f"rules[4].{field}"
    assert f"is the same as in rules[{first_place}], so it never decides" in message


def test_a_path_needs_a_rule_without_a_condition_or_one_above_it() -> None:
    lonely = WrittenRule("/v1/a", to("v1"), VERSION)
    assert find_wrong(lonely, WrittenRule("/v1/b", to("v1"))) == (
        "rules[0].path",
        "has only rules with `when`, and so have the paths above it. Add one without.",
    )
    assert find_wrong(WrittenRule("/", to("v1"), VERSION))[0] == "rules[0].path"
    make(lonely, WrittenRule("/v1", to("main")))
    wrong = WrittenRule("/v1", to("Main"))  # once it is right, no rule is missing
    assert find_wrong(lonely, wrong)[0] == "rules[1].to[0].label"


def test_a_path_may_ask_four_questions_with_many_values() -> None:
    asked = [
        WrittenRule("/", to("v1"), When(header=f"x-{name}", value=str(value)))
        for name in "abcd"
        for value in range(10)
    ]
    make(ROOT, *asked)
    assert find_wrong(ROOT, *asked, WrittenRule("/", to("v1"), When(accept="x"))) == (
        "rules[0].path",
        "has rules with 5 different questions, and may have 4",
    )


def test_unknown_versions_can_be_refused_where_there_are_versions() -> None:
    no_version = WrittenRule("/", to("v1"), When(cookie="tester", value="1"))
    assert find_wrong(ROOT, no_version, unknown=400)[0] == "unknown"
    assert "must be 400" in find_wrong(ROOT, WrittenRule("/", to("v1"), VERSION), unknown=404)[1]


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("Api", "must be 1 to 40"),
        ("a--b", "must be 1 to 40"),
        ("sign-in", "prevs itself"),
        ("hooks", "prevs itself"),
        ("cart", "cannot be the name of another app, cart"),
    ],
)
def test_a_gate_takes_no_name_of_others(name: str, wrong: str) -> None:
    field, message = find_wrong(name=name)
    assert (field, wrong in message) == ("name", True)


def test_a_gate_may_have_the_name_of_its_app() -> None:
    assert make(name="shop").name == "shop"


@pytest.mark.parametrize(
    ("host", "wrong"),
    [
        ("", "must be a whole host name"),
        ("api", "must be a whole host name"),
        ("*.example.com", "without *"),
        ("api.example.com:443", "without a port"),
        ("http://api.example.com", "must be a whole host name"),
        ("api..example.com", "must be a whole host name"),
        ("a" * 64 + ".example.com", "must be a whole host name"),
        (".".join(["a" * 50] * 6), "must be a whole host name"),
        ("10.0.0.1", "cannot be an IP address"),
        ("WWW.example.com", "is an address of the gate www"),
        ("prevs.example", "where only gates and labels are"),
        ("main.cart.prevs.example", "is an address of the app cart"),
        ("main--cart.prevs.example", "is an address of the app cart"),
        ("new.shop.prevs.example", "is an address of the app shop"),
        ("other.prevs.example", "Name the gate so"),
        ("a.b.shop.prevs.example", "is at prevs.example"),
    ],
)
def test_a_gate_takes_no_address_of_others(host: str, wrong: str) -> None:
    field, message = find_wrong(hosts=["api.example.com", host])
    assert (field, wrong in message) == ("hosts[1]", True), message


def test_hosts_are_told_apart_as_they_are_asked_for_and_are_few() -> None:
    assert find_wrong(hosts=["a.example.com", "A.example.com."])[0] == "hosts[1]"
    assert find_wrong(hosts=[f"a{n}.example.com" for n in range(17)])[0] == "hosts"
    assert make(hosts=["old.example.com"]).hosts == ("old.example.com",)


def test_all_problems_are_told_at_once() -> None:
    found = problems(
        WrittenRule("v1", to("Main"), When()),
        WrittenRule("/", weigh(a=1, b=2), sticky="header"),
        name="Api",
        hosts=["x"],
        override=["header", "path"],
    )
    assert [problem.field for problem in found] == [
        "name",
        "hosts[0]",
        "override[1]",
        "rules[0].path",
        "rules[0].when",
        "rules[0].to[0].label",
        "rules[1].sticky",
        "rules[1].to",
    ]
    assert {one.field for one in problems(*[ROOT] * 101)} == {"rules"}
    assert {one.field for one in problems(WrittenRule("/", ()), ROOT, ROOT)} == {
        "rules[0].to",
        "rules[2].path",
    }


def test_a_revision_leads_to_a_bounded_number_of_labels() -> None:
    rules = [WrittenRule(f"/{n}", to(f"l{n}")) for n in range(MOST_LABELS + 1)]
    assert find_wrong(*rules) == ("rules", "may lead to 50 labels, not 51")
    make(*rules[:-1])


def test_rules_that_are_too_long_together_are_refused() -> None:
    rules = [
        WrittenRule(f"/{n:0199d}", to("main"), When(header="x" * 64, value="1" * 200))
        for n in range(99)
    ]
    field, message = find_wrong(WrittenRule("/", to("main")), *rules)
    assert (field, "and may need 24576" in message) == ("rules", True)
