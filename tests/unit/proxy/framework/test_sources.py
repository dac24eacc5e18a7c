"""proxy/framework/sources.py: from where the proxy connects."""

import os

from proxy.framework.sources import LOOK_SECONDS, Sources, find_source
from proxy.model.usage import Source


def test_the_system_chooses_an_address_for_each_agent() -> None:
    found = {"10.1.0.9": "10.1.0.7", "10.2.0.9": "10.2.0.7", "10.1.0.10": "10.1.0.7", "x": ""}
    sources = Sources(lambda: found, find=lambda host: found[host])
    assert sources.find() == Source(("10.1.0.7", "10.2.0.7"), os.getuid())


def test_it_looks_again_for_other_agents_and_after_a_while() -> None:
    now, hosts, looked = [0.0], ["10.1.0.9"], []

    def find(host: str) -> str:
        looked.append(host)
        return "10.1.0.7"

    sources = Sources(lambda: hosts, find=find, clock=lambda: now[0])
    for _ in range(3):
        sources.find()
    assert looked == ["10.1.0.9"]
    hosts.append("10.1.0.10")
    sources.find()
    assert len(looked) == 3
    now[0] = LOOK_SECONDS
    sources.find()
    assert len(looked) == 5


def test_a_source_that_is_set_is_the_only_one() -> None:
    assert Sources(lambda: ["10.1.0.9"], "127.0.83.1").find() == Source(
        ("127.0.83.1",), os.getuid()
    )


def test_a_source_is_an_address_of_this_machine_and_an_unreachable_host_has_none() -> None:
    assert find_source("127.0.0.9") == "127.0.0.1"
    assert find_source("not an address") == ""
