"""Whether packets between containers of one bridge pass any rule, and when that is looked at."""

from collections.abc import Sequence
from ipaddress import ip_network
from pathlib import Path

import pytest

from executor.limits.firewall import FirewallZone
from executor.network.iptables import ClosedNetworks, find_bridge_problem


@pytest.mark.parametrize(
    ("set_to", "ipv6", "advice"),
    [
        ({"iptables": "1"}, False, None),
        ({"iptables": "1", "ip6tables": "1"}, True, None),
        ({}, False, "load the module br_netfilter"),
        ({"iptables": "0"}, False, "net.bridge.bridge-nf-call-iptables=1"),
        ({"iptables": "1", "ip6tables": "0"}, True, "net.bridge.bridge-nf-call-ip6tables=1"),
    ],
)
def test_a_missing_kernel_setting_for_bridges_is_reported(
    set_to: dict[str, str], ipv6: bool, advice: str | None, tmp_path: Path
) -> None:
    for name, value in set_to.items():
        (tmp_path / f"bridge-nf-call-{name}").write_text(f"{value}\n")
    problem = find_bridge_problem(tmp_path, ipv6=ipv6)
    assert (problem is None) if advice is None else (advice in (problem or ""))


def zone(bridge: str) -> FirewallZone:
    return FirewallZone(bridge, [ip_network("10.1.0.0/16")], [], [])


class Rules:
    """What sets rules, at times that a test chooses; `problem` is why it cannot."""

    def __init__(self) -> None:
        self.time = 100.0
        self.problem: str | None = None
        self.looks = 0
        self._recently = ClosedNetworks(lambda: self.time, self._close)

    def close(self, *bridges: str, ipv6: bool = False) -> str | None:
        return self._recently.close([zone(bridge) for bridge in bridges], ipv6=ipv6)

    def _close(self, networks: Sequence[FirewallZone], *, ipv6: bool) -> str | None:
        self.looks += 1
        return self.problem


def test_rules_that_were_in_force_are_looked_at_again_after_ten_seconds() -> None:
    rules = Rules()
    assert rules.close("br-1") is None
    rules.time += 9.9
    assert rules.close("br-1") is None
    assert rules.looks == 1
    rules.time += 0.1
    assert rules.close("br-1") is None
    assert rules.looks == 2


def test_other_networks_are_looked_at_at_once() -> None:
    rules = Rules()
    asked = [(("br-1",), False), (("br-2",), False), (("br-1", "br-2"), False), (("br-1",), True)]
    for bridges, ipv6 in asked:
        assert rules.close(*bridges, ipv6=ipv6) is None
    assert rules.looks == len(asked)


def test_a_network_that_stays_open_is_looked_at_each_time() -> None:
    rules = Rules()
    rules.problem = "no iptables"
    assert [rules.close("br-1") for _ in range(2)] == ["no iptables"] * 2
    rules.problem = None
    assert rules.close("br-1") is None
    assert rules.looks == 3
