from collections.abc import Callable

import pytest

from proxy.haproxy import text
from proxy.model.usage import Count

PATH = "/srv/routes.map"


def test_commands_have_the_form_of_the_manual() -> None:
    assert text.get(PATH, "k") == "get map /srv/routes.map k"
    assert list(text.add(PATH, {"k": "v"})) == ["add map /srv/routes.map <<\nk v\n"]
    assert text.change(PATH, "k", "v") == "set map /srv/routes.map k v"
    assert text.remove(PATH, "k") == "del map /srv/routes.map k"
    assert text.prepare(PATH) == "prepare map /srv/routes.map"
    assert text.commit(PATH, 7) == "commit map @7 /srv/routes.map"


def test_a_fill_is_cut_into_payloads_that_fit_the_buffer() -> None:
    entries = {f"key-{n}": "v" * 100 for n in range(1000)}
    commands = list(text.fill(PATH, 3, entries))
    lines = [line for command in commands for line in command.splitlines()[1:] if line]
    assert lines == [f"{key} {value}" for key, value in entries.items()]
    assert len(commands) > 1
    for command in commands:
        assert command.startswith("add map @3 /srv/routes.map <<\n")
        assert command.endswith("\n")
        assert len(command) < 16_000


def test_an_empty_fill_is_no_command() -> None:
    assert list(text.fill(PATH, 3, {})) == []


FOUND = 'type=str, case=sensitive, found=yes, idx=tree, key="~rev", value="a.1", type="str"'


@pytest.mark.parametrize(
    ("read", "reply", "value"),
    [
        (text.found_value, FOUND, "a.1"),
        (text.found_value, "type=str, case=sensitive, found=no", None),
        (text.found_value, "Unknown map identifier. Please use #<id> or <file>.", None),
        (text.found_value, "", None),
        (text.new_version, "New version created: 12", 12),
        (text.new_version, "Unknown map identifier.", None),
        (text.replaced_at, "proc.replaced: type=sint value=<1732600000>", 1732600000),
        (text.replaced_at, "Variable not found.", None),
        (text.answering_pid, "Name: HAProxy\nProcess_num: 1\nPid: 4711\nUptime: 0d", 4711),
        (text.answering_pid, "Unknown command", None),
        (text.has_clients, "Stopping: 0\nCurrConns: 0\nCumConns: 3", False),
        (text.has_clients, "Stopping: 0\nCurrConns: 12\nCumConns: 3", True),
        (text.has_clients, "Unknown command", True),
        # A reply ends with a prompt on a line of its own, which is no part of it.
        (text.is_whole, b"> ", True),
        (text.is_whole, b"\n> ", True),
        (text.is_whole, b"abc\n\n> ", True),
        (text.is_whole, b"ab> ", False),
        (text.strip_prompts, "+ + \n> ", ""),
        (text.strip_prompts, "New version created: 1\n\n> ", "New version created: 1"),
    ],
)
def test_a_reply_is_read(
    read: Callable[[str | bytes], object], reply: str | bytes, value: object
) -> None:
    assert read(reply) == value


TABLE = """# table: seen, type: string, size:204800, used:2
0x7f1: key=hello.5c80e7d.a1 use=3 exp=119700 shard=0 conn_cur=3 http_req_cnt=4
0x7f2: key=hello.de6b329.a2 use=0 exp=119999 shard=0 conn_cur=0 http_req_cnt=1

"""


def test_the_reply_with_counters_is_read() -> None:
    assert text.read_counts(TABLE.splitlines()) == {
        "hello.5c80e7d.a1": Count(3, 4, 119700),
        "hello.de6b329.a2": Count(0, 1, 119999),
    }
    assert text.read_counts(TABLE.splitlines()[:1]) == {}
    with pytest.raises(ValueError, match="no count"):
        text.read_counts(["Unknown command"])


def test_a_retired_process_accepts_no_connection() -> None:
    frontends = "# pxname,svname,qcur,status\nweb,FRONTEND,,OPEN\nmetrics,FRONTEND,,OPEN\n"
    assert text.retire(17, frontends)[1:] == (
        "shutdown frontend web",
        "shutdown frontend metrics",
        "set var proc.replaced int(17)",
    )


def test_a_map_file_is_read_back() -> None:
    entries = {"main.hello.localhost": "10.0.0.1|1|t", "~rev": "x.1"}
    assert text.read_map_file(text.map_file(entries)) == entries
    assert text.read_map_file("torn") == {}
