from collections.abc import Mapping

from proxy.model import gates
from proxy.model.gates import SeenGate
from proxy.model.trust import Node
from tests.fakes.placements import KEY
from tests.fakes.signed_gates import lead, make_gate, sign

DOMAIN = "localhost"
API = make_gate(lead("/", "main"))


def learn(known: Mapping[str, SeenGate], **data: bytes) -> Mapping[str, SeenGate]:
    written = max((one.written for one in known.values()), default=0) + 1
    nodes = {name: Node(one, 0, written) for name, one in data.items()}
    return gates.learn(known, nodes, DOMAIN, (KEY,))


def test_a_gate_is_at_its_hosts_with_its_entries() -> None:
    record = make_gate(lead("/", "main"), hosts=("api.example.com",))
    found = gates.merge(learn({}, api=sign(record)))
    assert dict(found.entries.gates) == {"api.localhost": "api.1", "api.example.com": "api.1"}
    assert dict(found.entries.paths) == {"api.1/": "main.hello.localhost", "api.1/_prevs/": "?"}
    assert found.hosts["api.example.com"].app == "hello"


def test_a_variant_of_a_stack_has_a_host_of_its_gate() -> None:
    record = make_gate(lead("/", "main"), variants={"cart": "cart--api"}, stack="api")
    found = gates.merge(learn({}, api=sign(record)))
    assert set(found.hosts) == {"api.localhost", "cart.api.localhost"}
    assert found.hosts["cart.api.localhost"].name == "api"
    closed = gates.merge(learn({}, api=sign(make_gate(lead("/", "main"), number=2))))
    assert set(closed.hosts) == {"api.localhost"}


def test_what_the_framework_has_not_signed_changes_nothing() -> None:
    known = learn({}, api=sign(API))
    switched = make_gate(lead("/", "evil"), number=2)
    for bad in (switched.encode(), sign(switched, b"another key"), b"{}", sign(switched)[:-1]):
        learned = learn(known, api=bad)
        assert learned["api"].problem
        assert gates.merge(learned) == gates.merge(known)
        assert gates.list_revisions(learned) == {"api": 1}
    assert gates.list_revisions(learn(known, api=sign(switched))) == {"api": 2}


def test_a_record_counts_at_its_own_node_only() -> None:
    learned = learn({}, web=sign(API))
    assert learned["web"].problem == "it belongs to the gate 'api'"
    assert not gates.merge(learned).hosts


def test_a_gate_that_is_gone_is_nowhere() -> None:
    assert not gates.merge(learn(learn({}, api=sign(API)))).hosts


def test_a_new_gate_is_nowhere_until_it_has_rules() -> None:
    learned = learn({}, api=sign(make_gate(number=0)))
    assert not gates.merge(learned).hosts
    assert gates.list_revisions(learned) == {"api": 0}


def test_a_host_of_two_gates_is_the_older_ones() -> None:
    shared = ("api.example.com",)
    older = make_gate(lead("/", "main"), name="web", hosts=shared, created=1.0)
    younger = make_gate(lead("/", "main"), hosts=shared, created=2.0)
    found = gates.merge(learn({}, api=sign(younger), web=sign(older)))
    assert found.entries.gates["api.example.com"] == "web.1"
    assert found.hosts["api.example.com"].name == "web"
    assert len(list(found.entries.gates)) == 3


def test_a_part_stays_the_same_object_while_its_gate_does() -> None:
    data = {"api": sign(API), "web": sign(make_gate(lead("/", "main"), name="web"))}
    known = learn({}, **data)
    nodes = {name: Node(data[name], 0, one.written) for name, one in known.items()}
    nodes["web"] = Node(sign(make_gate(lead("/", "v1"), name="web", number=2)), 1, 9)
    learned = gates.learn(known, nodes, DOMAIN, (KEY,))
    before, after = gates.merge(known).entries.paths, gates.merge(learned).entries.paths
    assert dict(after) == {
        "api.1/": "main.hello.localhost",
        "api.1/_prevs/": "?",
        "web.2/": "v1.hello.localhost",
        "web.2/_prevs/": "?",
    }
    assert learned["api"] is known["api"]
    assert dict(before) != dict(after)
