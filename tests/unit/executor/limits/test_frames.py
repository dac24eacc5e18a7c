"""executor/limits/frames.py: the rules that keep the containers of a bridge apart."""

from ipaddress import ip_network

import pytest

from executor.limits.firewall import FirewallZone
from executor.limits.frames import is_set, remove, restore, rules, stale

BRIDGE = "br-0123456789ab"
CHAIN = f"PREVS-{BRIDGE}"
ZONE = FirewallZone(BRIDGE, [ip_network("172.20.3.0/24"), ip_network("fd01::/64")], [])
EMPTY = "*filter\n:INPUT ACCEPT\n:FORWARD ACCEPT\n:OUTPUT ACCEPT\n"


def saved(*, by_name: bool = True) -> str:
    made = [f":{CHAIN} RETURN", f"-A FORWARD -j {CHAIN}", *rules(ZONE, by_name=by_name)]
    return EMPTY + "\n".join(made) + "\n"


def test_a_bridge_forwards_no_frame_at_all() -> None:
    assert rules(ZONE, by_name=True) == [f"-A {CHAIN} --logical-in {BRIDGE} -j DROP"]


def test_where_a_bridge_cannot_be_matched_its_addresses_are_at_both_ends_of_a_frame() -> None:
    assert rules(ZONE, by_name=False) == [
        f"-A {CHAIN} -p ARP --arp-ip-src 172.20.3.0/24 -j DROP",
        f"-A {CHAIN} -p IPv4 --ip-src 172.20.3.0/24 -j DROP",
        f"-A {CHAIN} -p ARP --arp-ip-dst 172.20.3.0/24 -j DROP",
        f"-A {CHAIN} -p IPv4 --ip-dst 172.20.3.0/24 -j DROP",
        f"-A {CHAIN} -p IPv6 --ip6-src fd01::/64 -j DROP",
        f"-A {CHAIN} -p IPv6 --ip6-dst fd01::/64 -j DROP",
    ]


@pytest.mark.parametrize("by_name", [True, False])
def test_rules_are_complete_in_either_way(by_name: bool) -> None:
    now = saved(by_name=by_name)
    assert is_set(now, ZONE)
    assert is_set(now.replace("RETURN", "RETURN\n:OTHER RETURN"), ZONE)
    assert not is_set(EMPTY, ZONE)
    assert not is_set(now.replace(f"-A FORWARD -j {CHAIN}\n", ""), ZONE)
    assert not is_set(f"{now}-A {CHAIN} -j ACCEPT\n", ZONE)
    moved = ZONE._replace(subnets=[ip_network("172.20.4.0/24")])
    assert is_set(now, moved) == by_name


def test_setting_the_rules_again_adds_no_second_jump_to_the_chain() -> None:
    first = restore(EMPTY, ZONE, by_name=True)
    assert first.startswith(f"*filter\n:{CHAIN} RETURN\n-A {CHAIN} ")
    assert first.endswith(f"-I FORWARD -j {CHAIN}\n")
    assert "-I" not in restore(saved(), ZONE, by_name=True)


def test_chains_of_bridges_that_are_gone_are_found_and_removed() -> None:
    assert stale(saved(), {"lo", BRIDGE}) == []
    assert stale(saved(), {"lo"}) == [BRIDGE]
    assert stale(EMPTY, {"lo"}) == []
    way = f"-D FORWARD -j {CHAIN}\n"
    assert remove(saved(), BRIDGE) == f"*filter\n{way}-F {CHAIN}\n-X {CHAIN}\n"
    assert remove(EMPTY, BRIDGE) == f"*filter\n-F {CHAIN}\n-X {CHAIN}\n"
