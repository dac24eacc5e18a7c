import dataclasses
import json
import socket
import threading
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework.errors import AgentRefuses, MasterRefuses, Unavailable
from framework.logs.sandbox import AgentSandboxes, read_addresses, read_answer
from framework.ports import SandboxGone
from prevs.records import PreviewRecord
from prevs.states import State
from tests.fakes.pages import Pages

PREVIEW = PreviewRecord("hello", "a" * 40, State.RUNNING, task_id="t1", agent_id="S0")


class StandIn(Pages):
    """A Mesos master and its only agent at one port of this machine."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.agents = {"S0": ""}
        self.status = 200
        self.master_status = 200
        self.metrics = b'{"slave/executor_directory_max_allowed_age_secs": 43200.5}'
        super().__init__(self._answer)

    def paths(self) -> list[str]:
        """Return the paths of all requests."""
        return [urlsplit(target).path for target, _ in self.requests]

    def _answer(self, target: str) -> tuple[int, bytes]:
        parts = urlsplit(target)
        if parts.path == "/slaves":
            slaves = [
                {"id": name, "pid": f"slave(1)@{address or self.address}"}
                for name, address in self.agents.items()
            ]
            known = {"slaves": slaves, "recovered_slaves": []}
            return self.master_status, json.dumps(known).encode()
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if parts.path == "/metrics/snapshot":
            return self.status, self.metrics
        if parts.path == "/files/browse":
            there = any(file.startswith(f"{query['path']}/") for file in self.files)
            return (200, b"[]") if there else (404, b"")
        data = self.files.get(query["path"])
        if data is None or self.status != 200:
            return (404 if self.status == 200 else self.status), b""
        if parts.path == "/files/download":
            return 200, data
        offset, length = int(query["offset"]), int(query["length"])
        begin = len(data) if offset == -1 else offset
        piece = data[begin : begin + length].decode("latin-1")
        answer = json.dumps({"data": piece, "offset": begin}, ensure_ascii=False)
        return 200, answer.encode("latin-1")


@pytest.fixture
def mesos() -> Iterator[StandIn]:
    stand_in = StandIn()
    stand_in.files["/frameworks/F/executors/t1/runs/latest/stdout"] = b"one\ntwo\nthr\xe9e\n"
    yield stand_in
    stand_in.stop()


def sandboxes_of(mesos: StandIn, now: list[float] | None = None, **more: Any) -> AgentSandboxes:
    time = now or [0.0]
    return AgentSandboxes(lambda: mesos.address, lambda: "F", lambda: time[0], **more)


def test_the_output_is_read_from_an_offset(mesos: StandIn) -> None:
    sandboxes = sandboxes_of(mesos)
    assert sandboxes.read(PREVIEW, 0) == (b"one\ntwo\nthr\xe9e\n", 14)
    assert sandboxes.read(PREVIEW, 4) == (b"two\nthr\xe9e\n", 14)
    assert sandboxes.read(PREVIEW, 14) == (b"", 14)


def test_the_principal_is_sent_to_the_master_and_to_no_agent(mesos: StandIn) -> None:
    sandboxes = sandboxes_of(mesos, credential=("prevs", "secret"))
    sandboxes.read(PREVIEW, 0)
    assert mesos.paths()[0] == "/slaves"
    assert [bool(authorization) for _, authorization in mesos.requests] == [True, False]


def test_agents_get_a_principal_of_their_own(mesos: StandIn) -> None:
    sandboxes = sandboxes_of(mesos, agents_credential=("reader", "secret"))
    assert sandboxes.read(PREVIEW, 0)[1] == 14
    assert [authorization for _, authorization in mesos.requests] == [
        None,
        "Basic cmVhZGVyOnNlY3JldA==",
    ]


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize(
    ("who", "error", "setting"),
    [
        ("master_status", MasterRefuses, "PREVS_PRINCIPAL"),
        ("status", AgentRefuses, "PREVS_AGENTS_PRINCIPAL"),
    ],
    ids=["master", "agent"],
)
def test_a_master_or_agent_that_refuses_is_named_with_advice(
    mesos: StandIn, who: str, error: type[Exception], setting: str, status: int
) -> None:
    setattr(mesos, who, status)
    with pytest.raises(error, match=setting):
        sandboxes_of(mesos).read(PREVIEW, 0)


def test_a_read_is_bounded(mesos: StandIn) -> None:
    mesos.files = dict.fromkeys(mesos.files, b"x" * 100_000)
    data, after = sandboxes_of(mesos).read(PREVIEW, 0)
    assert len(data) == after == 65536


def test_the_tail_is_whole_lines_unless_one_is_longer(mesos: StandIn) -> None:
    sandboxes = sandboxes_of(mesos)
    assert sandboxes.tail(PREVIEW, 100)[0] == b"one\ntwo\nthr\xe9e\n"
    assert sandboxes.tail(PREVIEW, 12)[0] == b"two\nthr\xe9e\n"
    assert sandboxes.tail(PREVIEW, 8)[0] == b"thr\xe9e\n"
    assert sandboxes.tail(PREVIEW, 3)[0] == b"\xe9e\n"


def test_the_tail_of_a_short_log_is_one_call(mesos: StandIn) -> None:
    sandboxes_of(mesos).tail(PREVIEW, 65536)
    assert mesos.paths().count("/files/read") == 1


def test_the_addresses_of_agents_are_fetched_once(mesos: StandIn) -> None:
    sandboxes = sandboxes_of(mesos)
    for _ in range(3):
        sandboxes.read(PREVIEW, 0)
    assert mesos.paths().count("/slaves") == 1


def test_an_agent_that_the_master_does_not_know_has_no_sandboxes(mesos: StandIn) -> None:
    now = [0.0]
    sandboxes = sandboxes_of(mesos, now)
    gone = PreviewRecord("hello", "a" * 40, State.FAILED, task_id="t1", agent_id="S1")
    assert sandboxes.read(gone, 3) == (b"", 3)
    assert sandboxes.tail(gone, 3)[0] == b""
    assert mesos.paths() == ["/slaves"]
    mesos.agents["S1"] = ""
    now[0] += 5
    assert sandboxes.read(gone, 0)[0] == b"one\ntwo\nthr\xe9e\n"


def test_a_file_is_read_in_pieces_and_known_by_its_path(mesos: StandIn) -> None:
    data = bytes(range(256)) * 1000
    mesos.files["/frameworks/F/executors/t1/runs/latest/artifacts/a b+ü.bin"] = data
    file = sandboxes_of(mesos).open_file(PREVIEW, "artifacts/a b+ü.bin")
    assert file is not None
    pieces = list(file.pieces)
    file.close()
    assert file.size == len(data)
    assert b"".join(pieces) == data
    assert max(map(len, pieces)) <= 65536
    assert sandboxes_of(mesos).open_file(PREVIEW, "artifacts/other") is None


def test_a_file_of_a_sandbox_that_nobody_has_is_gone_with_the_reason(mesos: StandIn) -> None:
    sandboxes = sandboxes_of(mesos)
    mesos.files.clear()
    with pytest.raises(SandboxGone, match="has removed it"):
        sandboxes.open_file(PREVIEW, "artifacts/a")
    elsewhere = dataclasses.replace(PREVIEW, agent_id="S1", agent_host="10.0.0.7")
    with pytest.raises(SandboxGone, match=r"The agent 10\.0\.0\.7, .* not in the cluster"):
        sandboxes.open_file(elsewhere, "artifacts/a")
    before = AgentSandboxes(lambda: mesos.address, lambda: None)
    with pytest.raises(Unavailable):
        before.open_file(PREVIEW, "artifacts/a")


def test_a_file_of_an_agent_that_is_away_or_refuses_is_an_error(mesos: StandIn) -> None:
    for status, error in [(500, Unavailable), (403, AgentRefuses)]:
        mesos.status = status
        with pytest.raises(error):
            sandboxes_of(mesos).open_file(PREVIEW, "stdout")


def test_an_answer_that_breaks_off_is_no_whole_file(mesos: StandIn) -> None:
    def answer(connection: socket.socket) -> None:
        with connection:
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nonly this")

    with socket.create_server(("127.0.0.1", 0)) as server:
        mesos.agents["S0"] = f"127.0.0.1:{server.getsockname()[1]}"
        threading.Thread(target=lambda: answer(server.accept()[0]), daemon=True).start()
        file = sandboxes_of(mesos).open_file(PREVIEW, "artifacts/a")
        assert file is not None
        with pytest.raises(Unavailable):
            list(file.pieces)
        file.close()


@pytest.mark.parametrize(
    ("metrics", "status", "kept"),
    [
        (b'{"slave/executor_directory_max_allowed_age_secs": 43200.5}', 200, 43200.5),
        (b"{}", 200, None),
        (b"<html>", 200, None),
        (b"", 403, None),
        (b"", 500, None),
    ],
)
def test_for_how_long_a_sandbox_is_kept_may_be_unknown(
    mesos: StandIn, metrics: bytes, status: int, kept: float | None
) -> None:
    mesos.metrics, mesos.status = metrics, status
    assert sandboxes_of(mesos).kept_for(PREVIEW) == kept
    assert sandboxes_of(mesos).kept_for(dataclasses.replace(PREVIEW, agent_id="S1")) is None


def test_an_agent_with_a_new_address_is_found_again(mesos: StandIn) -> None:
    now = [0.0]
    sandboxes = sandboxes_of(mesos, now)
    mesos.agents["S0"] = "127.0.0.1:1"
    for _ in range(2):
        with pytest.raises(Unavailable):
            sandboxes.read(PREVIEW, 0)
    assert mesos.paths() == ["/slaves"]
    mesos.agents["S0"] = mesos.address
    now[0] += 5
    assert sandboxes.read(PREVIEW, 0)[1] == 14


@pytest.mark.parametrize("change", [{"task_id": None}, {"agent_id": None}])
def test_a_preview_without_an_attempt_has_no_output(
    mesos: StandIn, change: dict[str, str | None]
) -> None:
    fields = {"task_id": "t1", "agent_id": "S0", **change}
    preview = PreviewRecord("hello", "a" * 40, State.QUEUED, **fields)  # type: ignore[arg-type] # of strings only
    assert sandboxes_of(mesos).read(preview, 7) == (b"", 7)
    assert mesos.requests == []


def test_a_missing_sandbox_has_no_output(mesos: StandIn) -> None:
    mesos.files.clear()
    assert sandboxes_of(mesos).read(PREVIEW, 7) == (b"", 7)
    assert sandboxes_of(mesos).tail(PREVIEW, 7)[0] == b""


def test_an_agent_or_master_that_does_not_answer_is_unavailable(mesos: StandIn) -> None:
    sandboxes = sandboxes_of(mesos)
    mesos.status = 500
    with pytest.raises(Unavailable):
        sandboxes.read(PREVIEW, 0)
    nobody = AgentSandboxes(lambda: "127.0.0.1:1", lambda: "F")
    with pytest.raises(Unavailable, match="master"):
        nobody.read(PREVIEW, 0)
    leaderless = AgentSandboxes(lambda: None, lambda: "F")
    with pytest.raises(Unavailable, match="master"):
        leaderless.tail(PREVIEW, 10)


def test_before_the_first_registration_there_is_no_output(mesos: StandIn) -> None:
    sandboxes = AgentSandboxes(lambda: mesos.address, lambda: None)
    assert sandboxes.read(PREVIEW, 0) == (b"", 0)


@given(st.binary())
def test_any_bytes_survive_the_json_of_an_agent(data: bytes) -> None:
    body = json.dumps({"data": data.decode("latin-1"), "offset": 3}, ensure_ascii=False)
    assert read_answer(body.encode("latin-1")) == (data, 3)


def test_a_real_answer_of_an_agent_is_read() -> None:
    body = b'{"data":"a\xc3\xa9b\xff\\u0000\\u0001\\"\\\\\\/\\n\xc2\x85\x7f","offset":0}'
    assert read_answer(body) == (b'a\xc3\xa9b\xff\x00\x01"\\/\n\xc2\x85\x7f', 0)


def test_agents_are_reached_at_the_addresses_that_the_master_uses() -> None:
    slaves = [{"id": "S0", "pid": "slave(1)@10.0.0.1:5051", "hostname": "a.example.org"}]
    assert read_addresses({"slaves": slaves}) == {"S0": "10.0.0.1:5051"}


def test_a_job_has_a_folder_of_its_own_in_the_sandbox_of_its_executor(mesos: StandIn) -> None:
    one, two = (f"hello.{'a' * 40}.k3j9x0q2ab-{number}" for number in (1, 2))
    base = "/frameworks/F/executors/hello.jobs.k3j9x0q2ab/runs/latest/jobs"
    mesos.files |= {f"{base}/{one}/stdout": b"one\n", f"{base}/{two}/stdout": b"two\n"}
    mesos.files[f"{base}/{two}/artifacts.json"] = b"[]"
    sandboxes = sandboxes_of(mesos)
    of = {task: dataclasses.replace(PREVIEW, task_id=task) for task in (one, two)}
    assert sandboxes.read(of[one], 0) == (b"one\n", 4)
    assert sandboxes.tail(of[two], 10) == (b"two\n", 4)
    assert sandboxes.open_file(of[one], "artifacts.json") is None
    file = sandboxes.open_file(of[two], "artifacts.json")
    assert file is not None
    assert b"".join(file.pieces) == b"[]"
    file.close()
