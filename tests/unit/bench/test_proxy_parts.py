"""What bench/proxy sends and reads, and its configurations of other proxies."""

import json
import os
import re
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from bench.proxy import cores, load, own_proxy, rivals, websocket
from bench.proxy.own_proxy import Installation
from local.parts.ports import accepts, free_port
from proxy.model import routes
from tests.fakes.placements import TRUST
from tests.waits import wait_until

WRK = """\
Running 1s test @ http://127.0.0.1:1/
  64 threads
{"requests": 2000, "us": 500000, "p50_us": 100, "p99_us": 900, "errors": 3}
"""


def test_the_output_of_wrk_is_read_with_the_cost_of_a_request() -> None:
    assert load.read(WRK, 0.05) == (4000.0, 100, 900, 25.0, 3)


def test_no_responses_have_no_cost_per_request() -> None:
    none = '{"requests": 0, "us": 500000, "p50_us": 0, "p99_us": 0, "errors": 9}'
    assert load.read(none, 0.0).rate == 0


def test_a_websocket_is_accepted_as_the_rfc_defines() -> None:
    assert websocket.accepted("dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
    head = b"GET / HTTP/1.1\r\nsec-websocket-KEY: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    assert b" 101 " in websocket.answer(head)
    assert b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" in websocket.answer(head)
    assert websocket.answer(b"GET / HTTP/1.1\r\n\r\n").startswith(b"HTTP/1.1 200 ")


def test_messages_go_there_and_back_over_every_websocket() -> None:
    port = free_port()
    server = threading.Thread(target=websocket.serve, args=(port,), daemon=True)
    server.start()
    wait_until(lambda: accepts("127.0.0.1", port))
    with websocket.opened(3, port, "localhost") as sockets:
        assert websocket.exchange(sockets, 1.0) >= 3
    assert load.messages(2, 1.0, load.Target(port, "localhost")).rate > 0


@pytest.mark.parametrize("name", list(rivals.RIVALS))
def test_every_file_of_another_proxy_is_written_to_its_place(name: str, tmp_path: Path) -> None:
    place = rivals.Place(tmp_path / "it", 21001, 21002)
    part = rivals.part(name, place, "/nowhere", lambda words: ("run", *words))
    text = " ".join((*part.command, *(f.read_text() for f in place.folder.iterdir())))
    assert part.command[0] == "run"
    assert "21001" in text
    assert "21002" in text
    assert "{{" not in text
    for file in rivals.RIVALS[name].files:
        assert (place.folder / file).exists()


def test_our_rules_are_those_that_do_not_concern_the_destination(tmp_path: Path) -> None:
    ours_alone = rivals.read_rules(tmp_path, 21001)
    assert "add-header X-Forwarded-Host" in ours_alone.requests
    assert "X-Robots-Tag" in ours_alone.requests
    assert "Set-Cookie" in ours_alone.answers
    assert not re.search("txn.dst|track-sc|lua|set-dst", "".join(ours_alone))


def test_the_written_placements_are_those_that_the_proxy_routes_by() -> None:
    read, problems = routes.read(
        "app7", own_proxy.record(7, [31000, 31001]), own_proxy.DOMAIN, TRUST
    )
    assert problems == []
    assert {host: route.port for host, route in read.items()} == {
        own_proxy.host(7, 0): 31000,
        own_proxy.host(7, 1): 31001,
    }
    assert Installation(1000, 100).placements == 100_000


def test_a_process_is_counted_with_its_children() -> None:
    script = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'input()'])"
    parent = subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE)
    try:
        wait_until(lambda: len(cores.tree(parent.pid)) == 2)
        found = cores.tree(parent.pid)
        assert found[0] == parent.pid
        assert cores.memory_kb(found) > cores.memory_kb(found[:1]) > 0
        assert cores.cpu_seconds(found) >= cores.cpu_seconds(found[:1])
        cores.settle(parent.pid)  # it waits for its input
    finally:
        parent.communicate(b"\n", timeout=30)
    assert parent.returncode == 0


def test_the_wait_for_a_busy_process_ends_at_its_limit() -> None:
    busy = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        began = time.monotonic()
        cores.settle(busy.pid, 0.3)
        assert time.monotonic() - began >= 0.3
    finally:
        busy.kill()
        busy.wait()


def test_a_command_runs_on_the_given_core() -> None:
    core = max(os.sched_getaffinity(0))
    script = "import json, os; print(json.dumps(list(os.sched_getaffinity(0))))"
    done = subprocess.run(
        cores.on(core, (sys.executable, "-c", script)), capture_output=True, check=True
    )
    assert json.loads(done.stdout) == [core]
