import pytest

from proxy import haproxy_text
from proxy.use import Count

PATH = "/srv/routes.map"


def test_commands_are_as_the_manual_has_them() -> None:
    assert haproxy_text.get(PATH, "k") == "get map /srv/routes.map k"
    assert haproxy_text.add(PATH, "k", "v") == "add map /srv/routes.map k v"
    assert haproxy_text.change(PATH, "k", "v") == "set map /srv/routes.map k v"
    assert haproxy_text.remove(PATH, "k") == "del map /srv/routes.map k"
    assert haproxy_text.prepare(PATH) == "prepare map /srv/routes.map"
    assert haproxy_text.commit(PATH, 7) == "commit map @7 /srv/routes.map"


def test_a_fill_is_cut_into_payloads_that_fit_the_buffer() -> None:
    entries = {f"key-{n}": "v" * 100 for n in range(1000)}
    commands = list(haproxy_text.fill(PATH, 3, entries))
    lines = [line for command in commands for line in command.splitlines()[1:] if line]
    assert lines == [f"{key} {value}" for key, value in entries.items()]
    assert len(commands) > 1
    for command in commands:
        assert command.startswith("add map @3 /srv/routes.map <<\n")
        assert command.endswith("\n")
        assert len(command) < 16_000


def test_nothing_to_fill_is_no_command() -> None:
    assert list(haproxy_text.fill(PATH, 3, {})) == []


@pytest.mark.parametrize(
    ("reply", "value"),
    [
        (
            'type=str, case=sensitive, found=yes, idx=tree, key="~rev", value="a.1", type="str"',
            "a.1",
        ),
        ("type=str, case=sensitive, found=no", None),
        ("Unknown map identifier. Please use #<id> or <file>.", None),
        ("", None),
    ],
)
def test_the_reply_to_a_look_up_is_read(reply: str, value: str | None) -> None:
    assert haproxy_text.found_value(reply) == value


def test_the_reply_to_a_preparation_is_read() -> None:
    assert haproxy_text.new_version("New version created: 12") == 12
    assert haproxy_text.new_version("Unknown map identifier.") is None


TABLE = """# table: seen, type: string, size:204800, used:2
0x7f1: key=hello.5c80e7d.a1 use=3 exp=119700 shard=0 conn_cur=3 http_req_cnt=4
0x7f2: key=hello.de6b329.a2 use=0 exp=119999 shard=0 conn_cur=0 http_req_cnt=1

"""


def test_the_reply_with_what_is_counted_is_read() -> None:
    assert haproxy_text.read_counts(TABLE.splitlines()) == {
        "hello.5c80e7d.a1": Count(3, 4, 119700),
        "hello.de6b329.a2": Count(0, 1, 119999),
    }
    assert haproxy_text.read_counts(TABLE.splitlines()[:1]) == {}
    with pytest.raises(ValueError, match="no count"):
        haproxy_text.read_counts(["Unknown command"])


@pytest.mark.parametrize(
    ("info", "has"),
    [
        ("Stopping: 0\nCurrConns: 0\nCumConns: 3", False),
        ("Stopping: 0\nCurrConns: 12\nCumConns: 3", True),
        ("Unknown command", True),
    ],
)
def test_a_process_that_says_so_has_no_clients(info: str, has: bool) -> None:
    assert haproxy_text.has_clients(info) is has


def test_a_process_that_is_retired_takes_connections_nowhere() -> None:
    frontends = "# pxname,svname,qcur,status\nweb,FRONTEND,,OPEN\nmetrics,FRONTEND,,OPEN\n"
    assert haproxy_text.retire(17, frontends)[1:] == (
        "shutdown frontend web",
        "shutdown frontend metrics",
        "set var proc.replaced int(17)",
    )


def test_the_time_when_a_process_was_replaced_is_read() -> None:
    reply = "proc.replaced: type=sint value=<1732600000>"
    assert haproxy_text.replaced_at(reply) == 1732600000
    assert haproxy_text.replaced_at("Variable not found.") is None


def test_the_process_that_answers_is_read() -> None:
    assert (
        haproxy_text.answering_pid("Name: HAProxy\nProcess_num: 1\nPid: 4711\nUptime: 0d") == 4711
    )
    assert haproxy_text.answering_pid("Unknown command") is None


@pytest.mark.parametrize(
    ("reply", "whole"), [(b"> ", True), (b"\n> ", True), (b"abc\n\n> ", True), (b"ab> ", False)]
)
def test_a_reply_ends_with_a_prompt_on_a_line_of_its_own(reply: bytes, whole: bool) -> None:
    assert haproxy_text.is_whole(reply) is whole


def test_prompts_are_no_part_of_a_reply() -> None:
    assert haproxy_text.strip_prompts("+ + \n> ") == ""
    assert haproxy_text.strip_prompts("New version created: 1\n\n> ") == "New version created: 1"


def test_a_map_file_is_read_as_it_was_written() -> None:
    entries = {"main.hello.localhost": "10.0.0.1|1|t", "~rev": "x.1"}
    assert haproxy_text.read_map_file(haproxy_text.map_file(entries)) == entries
    assert haproxy_text.read_map_file("torn") == {}
