"""The findings of the doctor, from values."""

import socket
from typing import Any, cast

import pytest

from cli.client.generated.records import App, MesosAgent, Preview, Queued
from cli.doctor import judgements
from cli.doctor.addresses import Place, look_at_addresses, read_place
from cli.doctor.findings import Finding, Level
from cli.doctor.isolation import judge_isolation
from tests.fakes import answers as fake

OK, WARNING, WRONG = Level.OK, Level.WARNING, Level.WRONG


def levels(found: list[Finding]) -> list[Level]:
    assert all(one.advice for one in found if one.level in {WARNING, WRONG})
    return [one.level for one in found]


def agent(host: str, **changes: Any) -> MesosAgent:
    return cast(MesosAgent, fake.agent(host, **changes))


def test_a_framework_is_ok_if_all_its_checks_are() -> None:
    checks = [{"name": "mesos", "ok": True, "detail": "It answers.", "needed": True}]
    leads = judgements.judge_probe("framework", {"role": "leader", "checks": checks}, 200)
    assert levels(leads) == [OK]
    assert "It leads" in leads[0].message
    waits = {"role": "standby", "leader": "http://other", "checks": checks}
    assert (
        "stands by for http://other" in judgements.judge_probe("framework", waits, 200)[0].message
    )


@pytest.mark.parametrize("name", ["service", "zookeeper", "mesos", "leader", "something new"])
@pytest.mark.parametrize(("needed", "level"), [(True, WRONG), (False, WARNING)])
def test_each_failing_check_of_a_framework_is_a_finding(
    name: str, needed: bool, level: Level
) -> None:
    checks = [
        {"name": "api", "ok": True, "detail": "It answers.", "needed": True},
        {"name": name, "ok": False, "detail": "It is away.", "needed": needed},
    ]
    [found] = judgements.judge_probe("framework", {"role": "leader", "checks": checks}, 503)
    assert (found.part, found.level, found.message) == (f"framework: {name}", level, "It is away.")
    assert found.advice


def test_it_says_when_the_former_token_may_go() -> None:
    told = {"name": "signatures", "ok": True, "detail": "The later ones may go.", "needed": False}
    leads = judgements.judge_probe("framework", {"role": "leader", "checks": [told]}, 200)
    assert levels(leads) == [OK, OK]
    assert (leads[1].part, leads[1].message) == ("framework: signatures", told["detail"])


def test_a_framework_that_refuses_without_checks_is_quoted() -> None:
    [found] = judgements.judge_probe("framework", {"detail": "No framework leads now."}, 503)
    assert (found.level, found.message) == (WRONG, "No framework leads now.")


@pytest.mark.parametrize(
    ("seconds", "level"), [(0.0, OK), (-4.9, OK), (6.0, WARNING), (-3600.0, WARNING)]
)
def test_clocks_may_be_a_few_seconds_apart(seconds: float, level: Level) -> None:
    assert levels(judgements.judge_clock("framework", seconds)) == [level]


def test_an_unknown_version_or_clock_is_not_judged() -> None:
    assert judgements.judge_clock("framework", None) == []
    assert judgements.judge_version("framework", None, "1") == []
    assert levels(judgements.judge_version("framework", "2", "1")) == [WARNING]


def test_without_an_agent_that_accepts_previews_nothing_can_start() -> None:
    assert levels(judgements.judge_agents([], [])) == [WRONG]
    assert levels(judgements.judge_agents([agent("a", active=False)], [])) == [WRONG]
    assert levels(judgements.judge_agents([agent("a", draining=True)], [])) == [WRONG]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"active": False}, "do not answer the master: b."),
        ({"draining": True}, "draining: b"),
        ({"maintenance": 1.0}, "Maintenance"),
        ({"unfit": {"reason": "No bridge.", "since": 1.0, "until": 2.0}}, "b is unfit, so others"),
    ],
)
def test_an_agent_that_accepts_nothing_beside_one_that_does_is_a_warning(
    changes: dict[str, Any], expected: str
) -> None:
    found = judgements.judge_agents([agent("a"), agent("b", **changes)], [])
    assert levels(found) == [WARNING]
    assert expected in found[0].message


CLOSED: dict[str, Any] = {
    "allowed": [],
    "required": False,
    "builds": True,
    "fetches": False,
    "open": "",
    "builds_open": "",
    "builds_unlimited": "",
    "builds_privileged": "",
    "ports_open": "",
}


@pytest.mark.parametrize(
    ("changes", "expected", "expected_levels"),
    [
        ({}, "Previews reach no private network", [OK]),
        ({"required": True}, "PREVS_ISOLATION is required", [OK]),
        (
            {"allowed": ["10.1.0.0/16", "10.2.0.7/32"]},
            "reach the private networks 10.1.0.0/16, 10.2.0.7/32",
            [OK],
        ),
        ({"open": None}, "has not been checked yet", [OK]),
        ({"open": "no iptables"}, "can reach the agent and each other", [WARNING]),
        ({"open": "no iptables", "required": True}, "nothing starts there", [WRONG]),
        ({"builds": False}, "RUN steps of builds can reach", [OK, WARNING]),
        ({"builds_open": "no iptables"}, "private networks: no iptables.", [OK, WARNING]),
        ({"fetches": True}, "ADD fetches addresses", [OK, WARNING]),
        ({"ports_open": "no list"}, "proxies may connect to previews: no list.", [OK, WARNING]),
        ({"builds_privileged": "CAP_NET_RAW"}, "builds have CAP_NET_RAW.", [OK, WARNING]),
        ({"builds_unlimited": "it is no root"}, "all processes: it is no root.", [OK, WARNING]),
    ],
)
def test_what_is_open_on_an_agent_is_reported_with_the_next_step(
    changes: dict[str, Any], expected: str, expected_levels: list[Level]
) -> None:
    found = judge_isolation([agent("a", isolation=CLOSED | changes)])
    assert levels(found) == expected_levels
    assert expected in " ".join(one.message for one in found)
    assert {one.part for one in found} == {"isolation at a"}
    assert all(bool(one.advice) == (one.level is not OK) for one in found)


def test_agents_with_equal_reports_share_a_finding_and_so_do_those_without() -> None:
    found = judge_isolation(
        [
            agent("a", isolation=CLOSED),
            agent("b", isolation=CLOSED | {"allowed": ["10.1.0.0/16"]}),
            agent("c", isolation=dict(CLOSED)),
            agent("d"),
            agent("e", isolation=None),
            agent("away", active=False, isolation=CLOSED | {"open": "no iptables"}),
        ]
    )
    assert [one.part for one in found] == ["isolation at a, c", "isolation at b", "isolation"]
    assert levels(found) == [OK, OK, Level.SKIPPED]
    assert "The isolation of d, e is unknown" in found[-1].message
    assert "executor.pyz doctor" in found[-1].message


@pytest.mark.parametrize(("mem", "level"), [(4096, OK), (4097, WARNING)])
def test_there_should_be_room_for_the_smallest_app(mem: int, level: Level) -> None:
    apps = [cast(App, fake.app("small", mem=mem)), cast(App, fake.app("large", mem=9999))]
    assert levels(judgements.judge_agents([agent("a")], apps)) == [level]


def test_a_long_wait_is_reported_with_its_reason() -> None:
    waits = {"place": 1, "app": "hello", "sha": fake.SHA, "label": "main", "reason": "no room"}
    assert levels(judgements.judge_queue([], 1000.0)) == [OK]
    assert levels(judgements.judge_queue([cast(Queued, waits | {"since": 999.0})], 1000.0)) == [OK]
    [found] = judgements.judge_queue([cast(Queued, waits | {"since": 0.0})], 1000.0)
    assert (found.level, found.message) == (WARNING, "hello@main has waited for 16 min: no room")


def test_failed_previews_are_listed_with_the_latest_first() -> None:
    assert levels(judgements.judge_failed([])) == [OK]
    failed = [
        cast(Preview, fake.failed(changed=float(number), labels=[f"b{number}"]))
        for number in range(7)
    ]
    [found] = judgements.judge_failed(failed)
    assert found.level is WARNING
    assert found.message.startswith("hello@b6 ")
    assert found.message.endswith("and 2 more")
    assert "prevs logs hello b6" in found.advice


@pytest.mark.parametrize(
    ("status", "slug", "level"),
    [
        (404, "unknown-app", OK),
        (503, "unavailable", WRONG),
        (401, "unauthorized", WRONG),
        (404, None, WRONG),
        (200, None, WRONG),
    ],
)
def test_an_address_is_ok_if_a_proxy_does_not_know_the_app(
    status: int, slug: str | None, level: Level
) -> None:
    content = fake.content(fake.problem(slug, status, "No.")) if slug else None
    assert levels([judgements.judge_unknown("addresses", status, content)]) == [level]


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("http://main.hello.localhost:8080/", Place("http", ".", "localhost", 8080)),
        ("https://main--hello.prevs.example/", Place("https", "--", "prevs.example", None)),
        ("https://main.hello.hello.example/", Place("https", ".", "hello.example", None)),
        ("https://prevs.example/hello/main", None),
    ],
)
def test_the_place_of_addresses_is_read_from_one(url: str, place: Place | None) -> None:
    assert read_place(url, "hello") == place


def test_a_domain_that_does_not_resolve_needs_a_wildcard_record() -> None:
    def resolve(host: str, port: int | None) -> object:
        assert host == "prevs-doctor--prevs-doctor.prevs.example"
        raise OSError(-2, "Name or service not known")

    [found] = look_at_addresses(
        Place("https", "--", "prevs.example", None), resolve, is_local=False
    )
    assert (found.part, found.level) == ("DNS", WRONG)
    assert "Name or service not known" in found.message
    assert "*.prevs.example" in found.advice


def test_without_an_app_no_address_is_known() -> None:
    assert [one.level for one in look_at_addresses(None, is_local=True)] == [Level.SKIPPED]


def test_each_agent_that_accepts_previews_is_described() -> None:
    found = judgements.describe_agents([agent("a"), agent("b", active=False)])
    assert [(one.part, one.level) for one in found] == [("agent a", OK)]
    assert "MB" in found[0].message


@pytest.mark.parametrize(
    ("is_local", "level", "advice"),
    [
        (True, Level.WRONG, "prevs local logs proxy"),
        (False, Level.WARNING, "on a machine whose port is forwarded"),
    ],
)
def test_a_port_of_localhost_may_be_forwarded_to_another_machine(
    is_local: bool, level: Level, advice: str
) -> None:
    """On the master of vagrant/, nothing listens on the port that visitors' machines forward."""
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        place = Place("http", ".", "localhost", nobody.getsockname()[1])
        [found] = look_at_addresses(place, is_local=is_local)
    assert found.level is level
    assert advice in found.advice


def test_the_machines_of_agents_are_checked_on_them() -> None:
    found = judgements.lead_to_machines("https://api.example")
    assert found.level is Level.SKIPPED
    assert "https://api.example/v1/executor/latest.pyz" in found.message
