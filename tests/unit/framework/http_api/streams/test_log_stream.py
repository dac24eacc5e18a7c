import asyncio
import base64
import json
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework.http_api.models.presenter import Presenter
from framework.http_api.streams.attempt_stream import parse_event_id
from framework.http_api.streams.log_stream import LogStream
from framework.http_api.streams.logs import Logs, cut_text
from framework.http_api.streams.public_logs import Piece
from framework.ports import LogPart
from prevs import names
from prevs.log_sources import Source
from prevs.records import AppRecord
from prevs.states import State
from tests.fakes.previews import FakePreviews
from tests.fakes.sandboxes import FakeSandboxes

SHA = "a" * 40


class Event(NamedTuple):
    """An event as a browser reads it; a comment has the name ':'."""

    name: str
    id: str | None
    data: Any


def read_event(raw: bytes) -> Event:
    if raw.startswith(b":"):
        return Event(":", None, None)
    lines = raw.decode().removesuffix("\n\n").split("\n")
    fields = dict(line.split(": ", 1) for line in lines)
    return Event(fields["event"], fields.get("id"), json.loads(fields["data"]))


class Watched:
    """A preview whose stream is read. A list has an event for each pause; then it stops."""

    def __init__(self, log: bytes = b"", task: str = "t1") -> None:
        self.previews = FakePreviews()
        self.previews.add_app(AppRecord("hello", "/x"))
        self.sandboxes = FakeSandboxes()
        self.now = 0.0
        self.write(log, task)
        self.previews.put("hello", SHA, State.RUNNING, task_id="t1", labels=("main",))

    def change(self, **fields: Any) -> None:
        self.previews.change("hello", SHA, **fields)

    def write(self, data: bytes, task: str = "t1") -> None:
        self.sandboxes.output[task] = self.sandboxes.output.get(task, b"") + data

    def end(self) -> None:
        self.change(state=State.STOPPED)

    def follow(
        self,
        happenings: Sequence[Callable[[], object]] = (),
        offset: int = 0,
        *,
        apart: bool = False,
    ) -> list[Event]:
        """Return all events, with one of `happenings` in each pause."""
        left = [*happenings, self.end]

        async def pause(seconds: float) -> None:
            self.now += seconds
            if left:
                left.pop(0)()

        async def collect() -> list[Event]:
            clock = lambda: self.now  # noqa: E731 # read again each time
            logs = Logs(self.sandboxes, clock)
            addresses = names.addresses("localhost", 80)
            presenter = Presenter(self.previews, addresses, lambda: None, clock)
            stream = LogStream(
                self.previews, logs, presenter.show, apart=apart, pause=pause, clock=clock
            )
            preview = self.previews.snapshot.preview("hello", SHA)
            sent = [raw async for raw in stream.follow(preview, offset)]
            return [read_event(raw + b"\n\n") for raw in b"".join(sent).split(b"\n\n") if raw]

        return asyncio.run(collect())


def nothing() -> None:
    pass


def logged(events: Sequence[Event]) -> list[tuple[str | None, str]]:
    return [(event.id, event.data) for event in events if event.name == "log"]


def names_of(events: Sequence[Event]) -> list[str]:
    return [event.name for event in events]


def test_a_stream_begins_with_the_state_and_ends_with_the_preview() -> None:
    watched = Watched()
    watched.end()
    state, end = watched.follow()
    assert (state.name, end.name) == ("state", "end")
    assert state.data == end.data
    assert end.data["state"] == "stopped"
    assert end.data["url"] == "http://main.hello.localhost/"


def test_the_log_comes_as_it_grows_with_the_offset_after_each_piece() -> None:
    watched = Watched(b"one\n")
    events = watched.follow([nothing, lambda: watched.write("zwö\n".encode())])
    assert logged(events) == [("4", "one\n"), ("9", "zwö\n")]


def output(source: str, data: bytes) -> dict[str, str]:
    return {"source": source, "base64": base64.b64encode(data).decode()}


def test_on_request_each_part_comes_by_itself_in_bytes_and_each_gap_with_its_size() -> None:
    watched = Watched()
    watched.sandboxes.parts["t1"] = [
        LogPart(Source.PREVS, b"== running ==\n"),
        LogPart(Source.STDOUT, b"\xff\x1b"),
        LogPart(Source.STDERR, b"err\n"),
        LogPart(Source.NOBODY, b"== output may be missing here: it restarts ==\n", None),
    ]
    gap = LogPart(Source.NOBODY, b"\n== 1,234 bytes are missing here: too much ==\n", 1234)
    known = watched.sandboxes.parts["t1"]

    def freed() -> None:
        watched.sandboxes.parts["t1"] = [*known, gap]

    events = [one for one in watched.follow([freed], apart=True) if one.name in {"output", "gap"}]
    assert [(one.name, one.data) for one in events] == [
        ("output", output("prevs", b"== running ==\n")),
        ("output", output("stdout", b"\xff\x1b")),
        ("output", output("stderr", b"err\n")),
        ("gap", {"bytes": None, "text": "output may be missing here: it restarts"}),
        ("gap", {"bytes": 1234, "text": "1,234 bytes are missing here: too much"}),
    ]
    assert [one.id for one in events] == ["14", "16", "20", "66", "1300"]


def test_a_log_of_which_nobody_knows_who_wrote_what_comes_as_text_all_the_same() -> None:
    assert logged(Watched(b"one\n").follow(apart=True)) == [("4", "one\n")]


def test_a_half_character_waits_for_its_other_half() -> None:
    watched = Watched(b"a\xe2\x82")
    events = watched.follow([lambda: watched.write(b"\xac!")])
    assert logged(events) == [("1", "a"), ("5", "€!")]


def test_a_half_character_at_the_end_of_a_log_is_replaced() -> None:
    watched = Watched(b"a\xe2\x82")
    assert logged(watched.follow()) == [("1", "a"), ("3", "\ufffd")]


def test_a_stream_goes_on_at_the_requested_offset() -> None:
    watched = Watched(b"one\ntwo\n")
    assert logged(watched.follow(offset=4)) == [("8", "two\n")]
    watched.change(state=State.RUNNING)
    events = watched.follow([lambda: watched.write(b"three\n")], offset=8)
    assert logged(events) == [("14", "three\n")]
    assert "reset" not in names_of(events)


def test_a_stream_that_goes_on_behind_the_end_begins_again() -> None:
    watched = Watched(b"one\n")
    events = watched.follow(offset=500)
    assert names_of(events) == ["state", "reset", "log", "state", "end"]
    assert events[1] == Event("reset", "0", {"task_id": "t1"})
    assert logged(events) == [("4", "one\n")]


def test_each_change_of_the_preview_is_sent_but_not_its_last_use() -> None:
    watched = Watched()
    places = watched.previews.queue_places
    watched.change(state=State.QUEUED)
    events = watched.follow(
        [
            lambda: places.update({("hello", SHA): 2}),
            lambda: places.update({("hello", SHA): 1}),
            lambda: watched.change(state=State.BUILDING),
            places.clear,
            lambda: watched.change(phase="checking"),
            lambda: watched.change(last_used=5.0),
            lambda: watched.change(state=State.RUNNING),
            lambda: watched.change(labels=("main", "v1")),
        ]
    )
    states = [event.data for event in events if event.name == "state"]
    keys = ("state", "queue_place", "phase")
    assert [(*map(one.get, keys), len(one["urls"])) for one in states] == [
        ("queued", None, "", 1),
        ("queued", 2, "", 1),
        ("queued", 1, "", 1),
        ("building", 1, "", 1),
        ("building", None, "", 1),
        ("building", None, "checking", 1),
        ("running", None, "checking", 1),
        ("running", None, "checking", 2),
        ("stopped", None, "checking", 2),
    ]


def test_output_written_just_before_the_end_comes_before_the_end() -> None:
    watched = Watched(b"one\n")

    def fail() -> None:
        watched.write(b"it broke\n")
        watched.change(state=State.FAILED)

    events = watched.follow([nothing, fail])
    assert names_of(events) == ["state", "log", "state", "log", "end"]
    assert events[-2].data == "it broke\n"
    assert events[-1].data["state"] == "failed"


def test_a_preview_whose_attempt_has_not_begun_is_waited_for() -> None:
    watched = Watched()
    watched.change(state=State.QUEUED, task_id=None, reason="no agent has 128 MB")

    def launch() -> None:
        watched.change(state=State.PLACED, task_id="t1", reason="")

    events = watched.follow([nothing, launch, lambda: watched.write(b"one\n")])
    assert names_of(events) == ["state", "state", "log", "state", "end"]


def test_a_new_attempt_starts_its_log_at_zero() -> None:
    watched = Watched(b"of the first\n")
    watched.write(b"of the second\n", task="t2")
    events = watched.follow(
        [
            lambda: watched.change(state=State.QUEUED),
            nothing,
            lambda: watched.change(state=State.PLACED, task_id="t2"),
        ]
    )
    assert names_of(events) == ["state", "log", "state", "state", "reset", "log", "state", "end"]
    assert events[4] == Event("reset", "0", {"task_id": "t2"})
    assert logged(events) == [("13", "of the first\n"), ("14", "of the second\n")]


def test_a_lost_task_that_comes_back_before_the_next_attempt_starts_its_log_at_zero() -> None:
    watched = Watched(b"of the second\n", task="t2")
    watched.change(state=State.QUEUED)
    launch = lambda: watched.change(state=State.PLACED, task_id="t2")  # noqa: E731
    events = watched.follow([launch], offset=5)
    assert names_of(events) == ["state", "reset", "state", "log", "state", "end"]
    assert logged(events) == [("14", "of the second\n")]


def test_an_agent_that_does_not_answer_is_waited_for_while_the_preview_lives() -> None:
    watched = Watched(b"one\ntwo\n")
    watched.sandboxes.away = True

    def come_back() -> None:
        watched.sandboxes.away = False

    assert logged(watched.follow([nothing, come_back], offset=4)) == [("8", "two\n")]


def test_an_agent_that_refuses_is_reported_once_instead_of_the_log() -> None:
    watched = Watched(b"one\ntwo\n")
    watched.sandboxes.refuses = True

    def allow() -> None:
        watched.sandboxes.refuses = False

    sent, read = logged(watched.follow([nothing, nothing, allow], offset=4))
    assert sent[0] == "4"
    assert "PREVS_AGENTS_PRINCIPAL" in sent[1]
    assert read == ("8", "two\n")


def test_a_preview_that_is_over_ends_the_stream_even_when_its_agent_is_away() -> None:
    watched = Watched(b"one\n")
    watched.sandboxes.away = True
    assert names_of(watched.follow()) == ["state", "state", "end"]


def test_a_preview_of_an_app_that_is_removed_ends_as_stopped() -> None:
    watched = Watched()
    events = watched.follow([lambda: watched.previews.remove_app("hello")])
    assert names_of(events) == ["state", "state", "end"]
    assert (events[-1].data["state"], events[-1].data["reason"]) == (
        "stopped",
        "The app was removed.",
    )


def test_a_silent_stream_sends_a_keepalive_every_ten_seconds() -> None:
    watched = Watched()
    events = watched.follow([nothing] * 100)
    assert names_of(events) == ["state", ":", ":", "state", "end"]


def test_a_log_that_does_not_grow_is_read_less_often() -> None:
    watched = Watched()
    watched.follow([nothing] * 160)
    seconds, growing, quiet = 40, 5 * 4, 35
    assert watched.now == pytest.approx(seconds, abs=1)
    assert watched.sandboxes.reads <= growing + quiet + 3


def test_viewers_at_one_offset_share_a_read() -> None:
    sandboxes = FakeSandboxes()
    sandboxes.output["t1"] = b"one\n"
    preview = FakePreviews().put("hello", SHA, State.RUNNING, task_id="t1")
    logs = Logs(sandboxes, clock=lambda: 0.0)

    async def read_many() -> list[Piece]:
        return await asyncio.gather(*(logs.read(preview, 0) for _ in range(50)))

    assert asyncio.run(read_many()) == [Piece(b"one\n", 4)] * 50
    assert sandboxes.reads == 1


@pytest.mark.parametrize(
    ("sent", "begin"),
    [("", 7), ("0", 0), ("42", 42), (" 42 ", 42), ("-1", 7), ("x", 7), ("²", 7), ("9" * 30, 7)],
)
def test_a_stream_begins_after_the_last_event_or_else_at_the_offset(sent: str, begin: int) -> None:
    assert parse_event_id(sent, 7) == begin


@given(st.text(), st.integers(1, 9))
def test_text_that_is_cut_anywhere_is_decoded_completely(text: str, size: int) -> None:
    data = text.encode()
    read, offset = "", 0
    while offset < len(data):
        end = offset + size
        piece, used = cut_text(data[offset:end], whole=end >= len(data))
        if not used:
            size += 1
        read, offset = read + piece, offset + used
    assert read == text


@given(st.binary())
def test_every_byte_is_decoded_in_the_end(data: bytes) -> None:
    text, size = cut_text(data, whole=True)
    assert size == len(data)
    assert text == data.decode("utf-8", "replace")
    _, now = cut_text(data, whole=False)
    assert len(data) - now <= 3
