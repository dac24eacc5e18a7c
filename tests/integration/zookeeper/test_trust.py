"""Somebody with access to ZooKeeper but without a token cannot route visitors."""

import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from prevs.records import AgentsRecord, PlacementsRecord, PortRange
from prevs.signatures import derive_key, sign_agents, sign_placement
from tests.fakes.placements import OTHER_SHA, SHA, placement, record
from tests.integration.haproxy import proxies
from tests.integration.haproxy.proxies import Site, Upstream, upstream

pytestmark = pytest.mark.integration

MAIN = "main.hello.localhost"
STRANGER = derive_key("a stranger's token")


@pytest.fixture
def site(tmp_path: Path, zookeeper: str, free_port: Callable[[], int]) -> Iterator[Site]:
    with proxies.site(tmp_path, zookeeper, free_port()) as started:
        yield started


@pytest.fixture
def one() -> Iterator[Upstream]:
    with upstream("one") as started:
        yield started


@pytest.fixture
def stolen() -> Iterator[Upstream]:
    """An attacker's server."""
    with upstream("stolen") as started:
        yield started


def forge(site: Site, record: PlacementsRecord) -> None:
    """Write placements without the framework, and wait until the proxy has read them."""
    site.wait_applied(record.app, site.tree.write(record.app, record.encode()))


def test_a_placement_without_a_good_signature_leads_nobody_there(
    site: Site, one: Upstream, stolen: Upstream
) -> None:
    ours = placement("hello", SHA, one.port, "main")
    evil = placement("hello", OTHER_SHA, stolen.port, "evil")
    site.route("hello", {SHA: ours})
    good = PlacementsRecord.decode(site.tree.client.get(site.tree.paths.app_placements("hello"))[0])
    for signature in ("", good.signatures[SHA], sign_placement(STRANGER, "hello", SHA, evil)):
        signed = {**good.signatures, OTHER_SHA: signature}
        forge(site, PlacementsRecord("hello", {SHA: ours, OTHER_SHA: evil}, signed))
        assert site.proxy.request(MAIN).body.startswith(b"one"), "it costs the wrong one alone"
        assert site.proxy.request("evil.hello.localhost").status != 200
    moved = {SHA: dataclasses.replace(ours, port=stolen.port)}
    forge(site, PlacementsRecord("hello", moved, good.signatures))
    assert site.proxy.request(MAIN, method="HEAD").status != 200
    assert stolen.seen == []
    assert "its signature is not the framework's" in site.proxy.log.read_text()
    site.route("hello", {SHA: ours})
    assert site.proxy.request(MAIN).body.startswith(b"one")


def test_a_signed_placement_leads_to_no_port_that_no_agent_has(
    site: Site, one: Upstream, stolen: Upstream
) -> None:
    """Even for a faulty framework, only ports from an agent's offer are destinations."""
    site.route("hello", {SHA: placement("hello", SHA, one.port, "main")})
    site.route("hello", {SHA: placement("hello", SHA, stolen.port, "main", host="127.0.0.9")})
    assert site.proxy.request(MAIN, method="HEAD").status != 200
    assert "no agent has 127.0.0.9:" in site.proxy.log.read_text()


def test_a_list_of_agents_with_a_wrong_signature_is_ignored(site: Site, one: Upstream) -> None:
    ours = {SHA: placement("hello", SHA, one.port, "main")}
    site.route("hello", ours)
    client, path = site.tree.client, site.tree.paths.agents
    wide = AgentsRecord({"127.0.0.9": (PortRange(1, 65535),)})
    wide = dataclasses.replace(wide, signature=sign_agents(STRANGER, wide))
    for data in (wide.encode(), b"{", AgentsRecord().encode()):
        client.set(path, data)
        site.route("hello", ours)
        assert site.proxy.request(MAIN).body.startswith(b"one"), "known facts stay"
    client.delete(path)
    changed = client.set(site.tree.paths.app_placements("hello"), record("hello", ours))
    site.wait_applied("hello", changed.version)
    assert site.proxy.request(MAIN).body.startswith(b"one")
    assert "the record of agents is invalid" in site.proxy.log.read_text()
