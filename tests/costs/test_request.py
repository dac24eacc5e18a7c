"""What one request through the proxy costs HAProxy, in instructions: the same on any machine."""

import contextlib
import http.client
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

from prevs.gates import Condition, ConditionKind, GateRecord, Rule, Sticky, Target
from proxy.haproxy import config
from proxy.haproxy.config import Files, Front
from proxy.haproxy.router import HaproxyRouter
from proxy.model import gates
from proxy.model.access import AppAccess
from proxy.model.gate_entries import list_entries
from proxy.model.gates import SeenGate
from proxy.model.routes import Route
from tests.fakes.access import ERA, PASS_KEY, make_pass
from tests.fakes.placements import SHA
from tests.fakes.signed_gates import lead, make_gate
from tests.integration.haproxy.proxies import upstream
from tests.waits import wait_until

pytestmark = [
    pytest.mark.daemons,
    pytest.mark.timeout(300),
    pytest.mark.skipif(
        shutil.which("valgrind") is None,
        reason="valgrind counts instructions: provision/debian.sh --test installs it",
    ),
]

HOST = "main.hello.localhost"
FEW, MANY = 50, 250
_START = 'PREVS_PID=$$ exec valgrind --tool=callgrind --callgrind-out-file=/dev/null haproxy "$@"'


class Kind(NamedTuple):
    """A kind of request: what is sent, and the most that it may cost."""

    most: int
    headers: Mapping[str, str]
    guarded: bool = False
    rules: Sequence[Rule] = ()


GATE = {"Host": "api.localhost"}
CANARY = (Target("main", 9000), Target("v1", 1000))
KINDS = {
    "public": Kind(80_000, {}),
    "guarded": Kind(122_000, {}, guarded=True),
    "gate, path": Kind(92_000, GATE, rules=[lead("/", "main")]),
    "gate, header": Kind(
        127_000,
        {**GATE, "X-Version": "1"},
        rules=[
            lead("/", "v1"),
            lead("/", "main", when=Condition(ConditionKind.HEADER, "1", "x-version")),
        ],
    ),
    "gate, lot": Kind(
        132_500,
        {**GATE, "Cookie": "a=b; prevs-lot=5000"},
        rules=[Rule("/", CANARY, sticky=Sticky.COOKIE)],
    ),
}
"""Found: 77,100, 120,200, 90,600, 124,600 and 130,300, with HAProxy 3.0.11, for requests of one
connection that is kept, and up to 200 more or fewer; those to gates beside 10,000 other rules, with
which they take as many."""


def make_others() -> Iterator[GateRecord]:
    """Return gates with 10,000 rules together."""
    conditions = [Condition(ConditionKind.HEADER, str(value), "x-version") for value in range(50)]
    rules = [
        lead("/", "v1"),
        *(lead("/", "main", when=condition) for condition in conditions),
        *(lead(f"/p{number}", "main") for number in range(49)),
    ]
    return (make_gate(*rules, name=f"other-{number}") for number in range(100))


def see(*records: GateRecord) -> Mapping[str, SeenGate]:
    """Return gates as the proxy has them."""
    return {one.name: SeenGate(1, one, list_entries(one, "localhost")) for one in records}


@contextlib.contextmanager
def counted(folder: Path, port: int, sent: Mapping[str, str]) -> Iterator["subprocess.Popen[str]"]:
    """Run HAProxy with the proxy's configuration, each of its instructions counted."""
    command = ["sh", "-c", _START, "sh", "-db", "-f", str(Files(folder).configuration)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)

    def answers() -> bool:
        assert process.poll() is None, process.communicate()[1]
        with contextlib.suppress(OSError):
            send_requests(port, 1, sent)
            return True
        return False

    try:
        wait_until(answers)
        yield process
    finally:
        process.kill()
        process.communicate()


def send_requests(port: int, times: int, sent: Mapping[str, str]) -> None:
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as client:
        for _ in range(times):
            client.request("GET", "/", headers={"Host": HOST, **sent})
            answer = client.getresponse()
            assert (answer.status, answer.read()[:3]) == (200, b"one")


def instructions(folder: Path, port: int, requests: int, sent: Mapping[str, str]) -> int:
    """Return how many instructions HAProxy takes from its start to its end."""
    with counted(folder, port, sent) as haproxy:
        send_requests(port, requests, sent)
        haproxy.terminate()
        _, report = haproxy.communicate(timeout=60)
    found = re.search(r"Collected : (\d+)", report)
    assert found, report
    return int(found[1])


@pytest.mark.parametrize("kind", KINDS)
def test_a_request_takes_no_more_instructions(
    tmp_path: Path, free_port: Callable[[], int], monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    port = free_port()
    monkeypatch.setenv(config.name_pass_key(1), PASS_KEY)  # as the proxy starts HAProxy
    most, sent, guarded, rules = KINDS[kind]
    if guarded:
        sent = {"Cookie": f"a=b; prevs-access={make_pass('hello', HOST)}"}
    record = make_gate(*rules)
    with upstream("one") as one:
        files = Files(tmp_path)
        config.write(files, Front(f"127.0.0.1:{port}", "localhost", pass_keys=1))
        route = Route("127.0.0.1", one.port, f"hello.{SHA}.a1")
        accesses = {"hello": AppAccess(ERA)} if guarded else {}
        found = see(record, *make_others()) if rules else {}
        HaproxyRouter(files, "run").begin_with({HOST: route}, accesses, gates.merge(found))
        few = instructions(tmp_path, port, FEW, sent)
        many = instructions(tmp_path, port, MANY, sent)
    each = (many - few) // (MANY - FEW)
    print(each)
    # At least the cost of one look at the request: otherwise nothing was counted.
    assert 10_000 < each <= most, each
