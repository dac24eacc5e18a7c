"""The rules of bench/gates as each proxy gets them, and what it measures by them."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from urllib.parse import urlsplit

import pytest

from bench.gates import changes, documents, own_gates, rivals, rules, switches, traffic, visitors
from bench.gates.rivals import Place, Rival
from bench.gates.rounds import Serving
from bench.gates.rules import EACH, LABELS, Kind, Rules
from bench.gates.switches import Period
from bench.gates.visitors import Visit
from bench.harness.errors import BenchError
from bench.proxy import own_proxy
from prevs.gate_rules import Choice, Request, choose
from prevs.signatures import derive_key
from proxy.model import gates
from proxy.model.trust import Node
from tests.fakes.world import TOKEN
from tests.waits import wait_until

BACKENDS = tuple(range(21000, 21000 + LABELS))


@pytest.mark.parametrize("kind", list(Kind))
def test_our_gates_lead_each_request_where_its_rule_says(kind: Kind) -> None:
    wanted = rules.make(kind, 250)
    nodes = {
        rules.gate_name(gate): Node(own_gates.record(wanted, gate, 3), 0, gate)
        for gate in range(wanted.gates)
    }
    seen = gates.learn({}, nodes, own_proxy.DOMAIN, [derive_key(TOKEN)])
    assert [one.problem for one in seen.values()] == [""] * 3
    for lead in wanted.all():
        record = seen[rules.gate_name(lead.gate)].record
        assert record is not None
        headers = {"x-version": lead.version} if lead.version else {}
        labels = {
            choice.label
            for lot in (0, 500, 9999)
            if isinstance(
                choice := choose(record.revision, Request("GET", lead.asked, headers, lot=lot)),
                Choice,
            )
        }
        assert labels == {own_proxy.label(label) for label in lead.to}


@pytest.mark.parametrize("kind", list(Kind))
def test_a_changed_rule_leads_to_no_label_of_before(kind: Kind) -> None:
    wanted = rules.make(kind, EACH)
    for number in range(EACH):
        assert not wanted.at(number).to & wanted.moved(number).at(number).to


def test_the_rules_are_at_gates_of_a_hundred_and_each_gate_has_a_default() -> None:
    wanted = rules.make(Kind.HEADER, 150)
    assert [len(wanted.of(gate)) for gate in range(wanted.gates)] == [100, 50]
    assert [lead.place for lead in wanted.all() if lead.version is None] == [99, 49]


def test_requests_go_to_gates_or_to_the_addresses_of_the_same_labels() -> None:
    wanted = rules.make(Kind.HEADER, 101)
    assert rules.requests(wanted).splitlines()[2::98] == [
        "gate0.localhost /items v2",
        "gate1.localhost /items -",
    ]
    own = rules.requests(wanted, ordinary=True).splitlines()
    assert own[7] == "branch-7.app0.localhost /items v7"


@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize("name", list(rivals.RIVALS))
def test_a_rival_has_all_rules_at_its_place(name: str, kind: Kind, tmp_path: Path) -> None:
    place, wanted = Place(tmp_path / "it", 21099, BACKENDS), rules.make(kind, 120)
    part = rivals.part(name, place, wanted, search="/nowhere", before=lambda words: ("run", *words))
    assert part.command[0] == "run"
    text = "".join(file.read_text() for file in place.folder.iterdir())
    for word in ("21099", *map(str, BACKENDS), "gate1.localhost"):
        assert word in text
    assert "{{" not in text
    for lead in wanted.all():
        assert (lead.version or lead.path) in text


@pytest.mark.parametrize("kind", list(Kind))
def test_documents_name_only_targets_that_they_have(kind: Kind) -> None:
    wanted = rules.make(kind, 20)
    targets = {documents.name_target(lead) for lead in wanted.all()}
    made = json.loads(json.dumps(documents.traefik(wanted, BACKENDS)))["http"]
    assert {router["service"] for router in made["routers"].values()} == targets
    assert targets <= set(made["services"])
    caddy = json.dumps(documents.caddy(wanted, BACKENDS, port=1, socket="/s"))
    server = json.loads(caddy)["apps"]["http"]["servers"]["web"]
    assert targets <= set(server["named_routes"])


def test_a_rival_that_is_not_here_or_does_not_run_is_told_with_its_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert rivals.find_missing(rivals.CADDY, str(tmp_path)) == "there is no `caddy` here"
    broken = Rival("x", ("sh", "-c", "echo no library >&2; exit 1"), lambda *_: {}, _never, "")
    monkeypatch.setitem(rivals.RIVALS, "broken", broken)
    assert "no library" in str(rivals.find_missing("broken", os.environ["PATH"]))


def _never(place: Place, rules: Rules, number: int, pid: int) -> rivals.Commit:
    raise AssertionError((place, rules, number, pid))


class Backend:
    """A proxy and its backends: it answers as the label that `leads` has for a path.

    The next `lost` requests get no answer.
    """

    def __init__(self) -> None:
        self.leads: dict[str, int] = {}
        self.lost = 0
        self.asked = 0
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                outer.asked += 1
                if outer.lost:
                    outer.lost -= 1
                    self.close_connection = True
                    return
                label = outer.leads.get(urlsplit(self.path).path)
                text = "" if label is None else f"{BACKENDS[label]} x"
                self.send_response(404 if label is None else 200)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    @property
    def port(self) -> int:
        return self.server.server_port

    def lead(self, wanted: Rules) -> None:
        self.leads = {lead.asked: lead.label for lead in wanted.all()}

    def serving(self, *, shift: int = 0, lost: int = 0) -> Serving:
        """Return it as a proxy that follows changes; by `shift` labels it follows them wrongly."""

        def prepare(wanted: Rules, number: int) -> rivals.Commit:
            def commit() -> None:
                self.lead(wanted)
                lead = wanted.at(number)
                self.leads[lead.asked] = (lead.label + shift) % LABELS
                self.lost = lost

            return commit

        return Serving(self.port, 0, prepare)


@pytest.fixture
def backend() -> Iterator[Backend]:
    made = Backend()
    thread = Thread(target=made.server.serve_forever, args=(0.01,))
    thread.start()
    yield made
    made.server.shutdown()
    thread.join()
    made.server.server_close()


def test_a_change_is_measured_until_an_answer_shows_it(backend: Backend) -> None:
    wanted = rules.make(Kind.PATH, 10)
    backend.lead(wanted)
    found = changes.measure(backend.serving(lost=1), wanted, BACKENDS, count=3, seconds=60)
    assert len(found.seconds) == 3
    assert found.closed == 3
    assert all(0 < seconds < 5 for seconds in found.seconds)


def test_changes_end_when_their_time_is_over_but_there_is_one(backend: Backend) -> None:
    wanted = rules.make(Kind.PATH, 10)
    backend.lead(wanted)
    assert (
        len(changes.measure(backend.serving(), wanted, BACKENDS, count=9, seconds=0).seconds) == 1
    )


def test_an_answer_by_a_third_label_ends_the_measurement(backend: Backend) -> None:
    wanted = rules.make(Kind.PATH, 10)
    backend.lead(wanted)
    with pytest.raises(BenchError, match="another label"):
        changes.measure(backend.serving(shift=1), wanted, BACKENDS, count=1, seconds=60)


def test_a_proxy_is_not_measured_if_it_has_other_rules(backend: Backend) -> None:
    wanted = rules.make(Kind.PATH, 10)
    backend.lead(wanted)
    traffic.check(backend.port, wanted, BACKENDS)
    backend.lead(wanted.moved(4))
    with pytest.raises(BenchError, match=r"gate0.localhost/p4/items .* is answered by label 6"):
        traffic.check(backend.port, wanted, BACKENDS)
    backend.leads = {}
    with pytest.raises(BenchError, match="answers 404"):
        traffic.check(backend.port, wanted, BACKENDS)


def test_a_visitor_notes_every_answer_and_every_error(backend: Backend) -> None:
    backend.lead(rules.make(Kind.PATH, 3))
    backend.lost = 1
    over, found = Event(), list[Visit]()
    visitor = Thread(
        target=lambda: found.extend(visitors.visit(backend.port, "x", "/p2/items", over))
    )
    visitor.start()
    wait_until(lambda: backend.asked > 3)
    over.set()
    visitor.join(30)
    assert {visit.backend for visit in found} == {0, BACKENDS[2]}
    assert [visit.backend for visit in found].count(0) == 1
    assert all(visit.sent < visit.received for visit in found)


def test_visitors_write_what_is_read_of_them(backend: Backend, tmp_path: Path) -> None:
    backend.lead(rules.make(Kind.PATH, 3))
    file = tmp_path / "visits"
    command = [sys.executable, "-m", "bench.gates.visitors", str(file), "x", "/p2/items"]
    with subprocess.Popen([*command, str(backend.port)], stdin=subprocess.PIPE) as visiting:
        wait_until(lambda: backend.asked > visitors.EACH)
        visiting.communicate()
    assert visiting.returncode == 0
    found = visitors.read(file.read_text())
    assert {visit.backend for visit in found} == {BACKENDS[2]}
    assert len(found) > visitors.EACH


PERIODS = (Period(1, 0.0, 10.2), Period(2, 10.0, 20.2), Period(1, 20.0, float("inf")))


@pytest.mark.parametrize(
    ("visit", "errors", "wrong"),
    [
        (Visit(5.0, 5.1, 1), 0, 0),
        (Visit(5.0, 5.1, 2), 0, 1),  # before it was written
        (Visit(9.9, 10.1, 2), 0, 0),  # while it was written
        (Visit(10.1, 10.15, 1), 0, 0),  # before all proxies had it
        (Visit(10.3, 10.4, 1), 0, 1),  # after all proxies had the next one
        (Visit(10.1, 20.1, 1), 0, 0),
        (Visit(30.0, 30.1, 1), 0, 0),
        (Visit(30.0, 30.1, 3), 0, 1),
        (Visit(10.1, 10.15, 0), 1, 0),
    ],
)
def test_an_answer_is_wrong_if_its_rule_was_not_in_force(
    visit: Visit, errors: int, wrong: int
) -> None:
    assert switches.judge([visit], PERIODS) == (errors, wrong)
