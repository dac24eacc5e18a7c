"""Gates go on by their rules while everything is away that could change these."""

from collections.abc import Callable
from pathlib import Path

import pytest

from local.parts.part import Part, bring_up
from prevs.gates import Condition, ConditionKind, Rule, Sticky, Target
from tests.fakes.signed_gates import lead
from tests.integration.haproxy import gates, proxies
from tests.integration.haproxy.gates import HOST, label_of
from tests.integration.haproxy.proxies import Site
from tests.waits import wait_until

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

VERSION = Condition(ConditionKind.HEADER, "1", "x-version")
HALF = (Target("main", 5000), Target("pr-8", 5000))
OTHER_HOST = "api.example.com"


def choices(site: Site) -> list[str | None]:
    """Return where requests go: by path, header, lot, and at another host."""
    asked: list[tuple[str, str, dict[str, str]]] = [
        (HOST, "/", {}),
        (HOST, "/v1/a", {}),
        (HOST, "/", {"X-Version": "1"}),
        (HOST, "/w", {"Cookie": "prevs-lot=0001"}),
        (HOST, "/w", {"Cookie": "prevs-lot=9999"}),
        (OTHER_HOST, "/v1", {}),
    ]
    return [label_of(site.proxy.request(host, path, headers=sent)) for host, path, sent in asked]


def test_gates_go_on_without_zookeeper_framework_and_controller_and_after_a_restart(
    own_zookeeper: Part, tmp_path: Path, free_port: Callable[[], int]
) -> None:
    nowhere = f"http://127.0.0.1:{free_port()}"
    with (
        proxies.site(tmp_path, own_zookeeper.address, free_port(), api=nowhere) as site,
        gates.labelled(site),
    ):
        rules = (
            *(lead("/", "main"), lead("/v1", "v1"), lead("/", "pr-7", when=VERSION)),
            Rule("/w", HALF, sticky=Sticky.COOKIE),
        )
        gates.put(site, *rules, hosts=(OTHER_HOST,))
        expected = ["main", "v1", "pr-7", "pr-8", "main", "v1"]
        assert choices(site) == expected
        kept = site.proxy.folder / "gates.map"
        wait_until(lambda: OTHER_HOST in kept.read_text(), "the gates are saved")
        own_zookeeper.stop()
        assert choices(site) == expected
        former, killed = site.proxy.haproxy, site.proxy.process.pid
        site.proxy.process.kill()
        site.proxy.process.wait()
        assert choices(site) == expected
        site.proxy.restart()
        assert site.proxy.haproxy != former
        assert choices(site) == expected
        bring_up(own_zookeeper)
        wait_until(lambda: site.tree.client.connected)
        site.tree.forget(killed)
        gates.put(site, lead("/", "v1"))
        assert choices(site) == [*["v1"] * 5, None]
