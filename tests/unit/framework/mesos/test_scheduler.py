from typing import Any

import pytest

import driver.errors
from framework import errors, events
from framework.matching import resources
from framework.mesos import task_status
from framework.mesos.scheduler import Inbox, framework_info, read_inverse_offer, read_offer
from framework.ports import InverseOffer
from tests.fakes.offers import scalar


def raw(**more: Any) -> dict[str, Any]:
    return {
        "id": {"value": "o1"},
        "agent_id": {"value": "agent-1"},
        "hostname": "node-1.example.org",
        "resources": [scalar("cpus", 2), scalar("cpus", 8, revocable={})],
        **more,
    }


def test_an_offer_names_the_host_of_its_agent() -> None:
    url = {"scheme": "http", "address": {"hostname": "node-1", "ip": "10.0.0.1", "port": 5051}}
    assert read_offer(raw(url=url)).host == "10.0.0.1"
    assert read_offer(raw()).host == "node-1.example.org"


def test_an_offer_counts_only_reliable_resources() -> None:
    offer = read_offer(raw())
    assert (offer.id, offer.agent_id) == ("o1", "agent-1")
    assert resources.total(offer.resources, "cpus") == 2


def test_an_offer_is_made_to_a_role() -> None:
    assert read_offer(raw(allocation_info={"role": "prevs-jobs"})).role == "prevs-jobs"
    assert read_offer(raw()).role == ""


def test_an_offer_has_apart_what_mesos_may_take_back() -> None:
    assert resources.total(read_offer(raw()).revocable, "cpus") == 8


def test_revocable_resources_are_offered_to_whoever_asks_for_them() -> None:
    def capabilities(*, revocable: bool) -> list[dict[str, str]]:
        info = framework_info(
            name="prevs",
            roles=["r"],
            user="u",
            hostname="h",
            webui_url="w",
            principal=None,
            revocable=revocable,
        )
        found: list[dict[str, str]] = info["capabilities"]
        return found

    asked = {"type": "REVOCABLE_RESOURCES"}
    assert asked in capabilities(revocable=True)
    assert asked not in capabilities(revocable=False)


def test_an_offer_has_the_attributes_of_its_agent_as_text() -> None:
    attributes = [
        {"name": "zone", "type": "TEXT", "text": {"value": "a"}},
        {"name": "level", "type": "SCALAR", "scalar": {"value": 10.0}},
        {"name": "weight", "type": "SCALAR", "scalar": {"value": 0.5}},
        {"name": "keys", "type": "RANGES", "ranges": {"range": [{"begin": 1, "end": 5}]}},
        {"name": "disks", "type": "SET", "set": {"item": ["ssd", "hdd"]}},
    ]
    assert read_offer(raw(attributes=attributes)).attributes == {
        "zone": "a",
        "level": "10",
        "weight": "0.5",
        "keys": "[1-5]",
        "disks": "{ssd,hdd}",
    }
    assert read_offer(raw()).attributes == {}


def test_an_offer_has_the_time_when_its_agent_goes_away() -> None:
    away = {"start": {"nanoseconds": 1_500_000_000}, "duration": {"nanoseconds": 1}}
    assert read_offer(raw(unavailability=away)).unavailable_from == 1.5
    assert read_offer(raw()).unavailable_from is None


INVERSE = {
    "id": {"value": "i1"},
    "agent_id": {"value": "agent-1"},
    "unavailability": {"start": {"nanoseconds": 2_000_000_000}},
}


def test_an_inverse_offer_without_an_agent_has_no_effect() -> None:
    inverse = {name: value for name, value in INVERSE.items() if name != "agent_id"}
    assert read_inverse_offer(inverse) is None
    submitted: list[events.Event] = []
    Inbox(submitted.append).inverse_offered([inverse])
    assert submitted == []


def test_the_framework_outlives_its_absence() -> None:
    info = framework_info(
        name="prevs", roles=["r"], user="u", hostname="h", webui_url="w", principal="p"
    )
    assert info["checkpoint"] is True
    assert info["failover_timeout"] == 28 * 86400
    assert (info["roles"], info["principal"]) == (["r"], "p")
    assert {one["type"] for one in info["capabilities"]} == {
        "PARTITION_AWARE",
        "TASK_KILLING_STATE",
        "MULTI_ROLE",
    }


def test_mesos_shows_the_framework_with_a_link_to_its_api() -> None:
    info = framework_info(
        name="prevs", roles=["r"], user="u", hostname="h", webui_url="http://h/docs", principal=None
    )
    found = {key: info[key] for key in ("name", "user", "hostname", "webui_url")}
    assert found == {"name": "prevs", "user": "u", "hostname": "h", "webui_url": "http://h/docs"}
    assert "principal" not in info


STATUS = {"task_id": {"value": "t"}, "state": "TASK_RUNNING", "uuid": "u"}


def test_each_callback_of_the_driver_becomes_an_event() -> None:
    submitted: list[events.Event] = []
    inbox = Inbox(submitted.append)
    inbox.subscribed("f1")
    inbox.offered([raw()])
    inbox.rescinded("o1")
    inbox.inverse_offered([INVERSE])
    inbox.inverse_rescinded("i1")
    inbox.updated(STATUS)
    inbox.agent_failed("agent-1", None, 9)
    inbox.disconnected()
    assert submitted == [
        events.Subscribed("f1"),
        events.Offered([read_offer(raw())]),
        events.Rescinded("o1"),
        events.InverseOffered([InverseOffer("i1", "agent-1", 2.0)]),
        events.InverseRescinded("i1"),
        events.TaskStatusReceived(task_status.read(STATUS)),
        events.AgentFailed("agent-1", None),
        events.Disconnected(),
    ]


@pytest.mark.parametrize(
    ("error", "means", "text"),
    [
        (driver.errors.FailedOver("x"), errors.FailedOver, "x"),
        (driver.errors.FrameworkRemoved("x"), errors.Removed, "--forget id"),
        (driver.errors.Rejected("x"), errors.Refused, "x"),
        (driver.errors.Unauthorized("x", 401), errors.Unauthorized, "x"),
        (driver.errors.ThreadDied("x"), errors.Fatal, "x"),
    ],
)
def test_the_end_of_the_driver_ends_the_program_with_an_error_of_its_own(
    error: driver.errors.DriverError, means: type[errors.Fatal], text: str
) -> None:
    submitted: list[events.Event] = []
    Inbox(submitted.append).aborted(error)
    (ended,) = submitted
    assert isinstance(ended, events.EdgeFailed)
    assert type(ended.error) is means
    assert "x" in str(ended.error)
    assert text in str(ended.error)
