"""executor/limits/ingress.py: who may connect to previews, as rules."""

from ipaddress import ip_network

from hypothesis import given
from hypothesis import strategies as st

from executor.limits.firewall import FirewallZone, is_set, remove, restore, stale
from executor.limits.ingress import Chain, Entrance, Ingress, Visitor, chains, count_visitors

BRIDGE = "br-0123456789ab"
FORWARDED, LOOPBACK = f"PREVSIN-{BRIDGE}", f"PREVSLO-{BRIDGE}"
PROXIES = (
    Visitor(ip_network("10.0.0.7")),
    Visitor(ip_network("10.0.0.8"), 998),
    Visitor(ip_network("fd00::7")),
)
INGRESS = Ingress(5, PROXIES, own_users=(0, 997))
LOCAL = Ingress(
    5,
    [Visitor(ip_network("127.0.83.1"), 1000)],
    entrance=Entrance("127.0.0.1", [(32000, 32099)]),
    checker=1000,
)


def show(*found: Chain) -> str:
    """Return chains as `iptables -S` prints them."""
    names = [f"-N {one.name}" for one in found]
    jumps = [f"-A {one.jump}" for one in found]
    return "\n".join([*names, *jumps, *(rule for one in found for rule in one.rules), ""])


def zone(ingress: Ingress | None) -> FirewallZone:
    return FirewallZone(BRIDGE, [ip_network("172.20.3.0/24")], [], ingress=ingress)


def test_proxies_and_the_executor_may_connect_and_nobody_else() -> None:
    [chain] = chains(BRIDGE, INGRESS, 4)
    assert chain.jump == f"POSTROUTING -o {BRIDGE} -j {FORWARDED}"
    assert chain.rules == [
        f"-A {FORWARDED} -m comment --comment 5",
        f"-A {FORWARDED} -m conntrack --ctstate RELATED,ESTABLISHED -j RETURN",
        f"-A {FORWARDED} -s 10.0.0.7/32 -j RETURN",
        f"-A {FORWARDED} -s 10.0.0.8/32 -m owner --uid-owner 998 -j RETURN",
        f"-A {FORWARDED} -m owner --uid-owner 0 -j RETURN",
        f"-A {FORWARDED} -m owner --uid-owner 997 -j RETURN",
        f"-A {FORWARDED} -j DROP",
    ]


def test_ipv6_has_the_same_rules_and_neighbours_find_each_other() -> None:
    [chain] = chains(BRIDGE, INGRESS, 6)
    assert f"-A {FORWARDED} -s fd00::7/128 -j RETURN" in chain.rules
    assert f"-A {FORWARDED} -p ipv6-icmp -m icmp6 --icmpv6-type 135 -j RETURN" in chain.rules
    assert chain.rules[-1] == f"-A {FORWARDED} -j DROP"


def test_at_loopback_only_the_proxys_user_connects_and_from_its_own_address() -> None:
    forwarded, loopback = chains(BRIDGE, LOCAL, 4)
    # Docker's proxy is in between, which runs as root.
    assert forwarded.rules[2:] == [
        f"-A {FORWARDED} -m owner --uid-owner 0 -j RETURN",
        f"-A {FORWARDED} -j DROP",
    ]
    assert loopback.rules == [
        f"-A {LOOPBACK} -d 127.0.0.1/32 -m comment --comment 5",
        f"-A {LOOPBACK} -s 127.0.83.1/32 -d 127.0.0.1/32 -m owner --uid-owner 1000 -j RETURN",
        f"-A {LOOPBACK} -s 127.0.83.2/32 -d 127.0.0.1/32 -m owner --uid-owner 1000 -j RETURN",
        f"-A {LOOPBACK} -d 127.0.0.1/32 -p tcp -m tcp --dport 32000:32099 -j DROP",
    ]


def test_the_entrances_of_other_agents_of_the_network_stay() -> None:
    other = LOCAL._replace(entrance=Entrance("127.0.0.11", [(32000, 32099)]))
    before = show(*chains(BRIDGE, other, 4))
    [_, loopback] = chains(BRIDGE, LOCAL, 4, before)
    assert loopback.rules == [
        *chains(BRIDGE, other, 4)[1].rules,
        *chains(BRIDGE, LOCAL, 4)[1].rules,
    ]
    assert chains(BRIDGE, LOCAL, 4, show(loopback))[1] == loopback


def test_an_older_list_never_replaces_a_newer_one() -> None:
    for newer in (INGRESS._replace(since=6), LOCAL._replace(since=6)):
        listed = restored(zone(newer))
        older = zone(newer._replace(since=4, visitors=()))
        assert is_set(listed, older, 4)
        assert "PREVSIN" not in restore(listed, older, 4)
        assert "PREVSLO" not in restore(listed, older, 4)


def test_an_agent_whose_entrance_is_not_closed_yet_closes_it_by_an_older_list_too() -> None:
    listed = restored(zone(LOCAL._replace(since=6)))
    older = LOCAL._replace(since=4, entrance=Entrance("127.0.0.2", [(32000, 32099)]))
    assert "-d 127.0.0.2/32 -p tcp" in restore(listed, zone(older), 4)


def restored(wanted: FirewallZone, listed: str = "") -> str:
    """Return what `iptables -S` prints after a restore."""
    lines = restore(listed, wanted, 4).splitlines()
    names = [f"-N {line[1:].split()[0]}" for line in lines if line.startswith(":")]
    jumps = [f"-A {line[3:]}" for line in lines if line.startswith("-I ")]
    return "\n".join([*names, *jumps, *(line for line in lines if line.startswith("-A ")), ""])


def test_rules_that_are_set_count_as_set_and_are_removed_with_their_bridge() -> None:
    listed = restored(zone(LOCAL))
    assert is_set(listed, zone(LOCAL), 4)
    assert not is_set(restored(zone(None)), zone(LOCAL), 4)
    assert is_set(listed, zone(None), 4), "no list leaves the rules as they are"
    assert stale(listed, {"lo"}) == [BRIDGE]
    removed = remove(listed, BRIDGE)
    for name in (f"PREVS-{BRIDGE}", FORWARDED, LOOPBACK):
        assert f"-F {name}\n-X {name}\n" in removed
    assert removed.count("-D ") == 3


def test_an_open_network_is_told_from_a_closed_one() -> None:
    assert count_visitors(restored(zone(INGRESS)), BRIDGE) == 2
    assert count_visitors(restored(zone(None)), BRIDGE) is None


def test_names_of_chains_are_short_enough_for_iptables() -> None:
    assert max(len(FORWARDED), len(LOOPBACK)) <= 28


_ADDRESSES = st.ip_addresses().map(ip_network)
_VISITORS = st.builds(Visitor, _ADDRESSES, st.none() | st.integers(0, 65535))


@given(st.lists(_VISITORS), st.lists(st.integers(0, 65535), max_size=3), st.sampled_from([4, 6]))
def test_whatever_proxies_there_are_the_last_rule_drops_the_rest(
    visitors: list[Visitor], users: list[int], version: int
) -> None:
    [chain] = chains(BRIDGE, Ingress(1, visitors, users), version)
    assert [rule for rule in chain.rules if "DROP" in rule] == [chain.rules[-1]]
    for rule in chain.rules[2:-1]:
        assert " -s " in rule or "--uid-owner" in rule or "--icmpv6-type" in rule
