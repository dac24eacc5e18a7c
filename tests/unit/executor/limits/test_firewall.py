"""executor/limits/firewall.py: the rules that keep previews apart."""

from ipaddress import ip_network

from executor.limits.confinement import ProxyPort
from executor.limits.firewall import (
    FirewallZone,
    chains,
    is_set,
    jump,
    read_nameservers,
    remove,
    restore,
    rules,
    stale,
)
from executor.limits.ingress import Ingress

BRIDGE = "br-0123456789ab"
CHAIN = f"PREVS-{BRIDGE}"
BORDERS = FirewallZone(
    bridge=BRIDGE,
    subnets=[ip_network("172.20.3.0/24"), ip_network("fd01::/64")],
    nameservers=["10.0.0.2", "169.254.169.253", "fd00::53"],
    denied=[ip_network("10.1.0.0/16"), ip_network("fd02::/16")],
    allowed=[ip_network("10.8.0.0/16"), ip_network("fd08::/16")],
    control_plane=[ip_network(a) for a in ("10.8.0.1", "10.9.0.1", "192.0.2.1", "fd08::1")],
)
EMPTY = "-P PREROUTING ACCEPT\n-P INPUT ACCEPT\n"


def listed(version: int = 4) -> str:
    lines = [f"-N {CHAIN}", f"-A {jump(BRIDGE)}", *rules(BORDERS, version)]
    return EMPTY + "\n".join(lines) + "\n"


def test_replies_and_dns_queries_pass_before_any_destination_is_closed() -> None:
    assert rules(BORDERS, 4) == [
        f"-A {CHAIN} ! -s 172.20.3.0/24 -j DROP",
        f"-A {CHAIN} -m conntrack --ctstate RELATED,ESTABLISHED -j RETURN",
        f"-A {CHAIN} -d 10.0.0.2/32 -p udp -m udp --dport 53 -j RETURN",
        f"-A {CHAIN} -d 10.0.0.2/32 -p tcp -m tcp --dport 53 -j RETURN",
        f"-A {CHAIN} -d 169.254.169.253/32 -p udp -m udp --dport 53 -j RETURN",
        f"-A {CHAIN} -d 169.254.169.253/32 -p tcp -m tcp --dport 53 -j RETURN",
        f"-A {CHAIN} -m addrtype --dst-type LOCAL -j DROP",
        f"-A {CHAIN} -m addrtype --dst-type BROADCAST -j DROP",
        f"-A {CHAIN} -m addrtype --dst-type MULTICAST -j DROP",
        f"-A {CHAIN} -d 172.20.3.0/24 -j DROP",
        f"-A {CHAIN} -d 169.254.0.0/16 -j DROP",
        f"-A {CHAIN} -d 10.1.0.0/16 -j DROP",
        # The parts of the control plane that would be open: all others are in a private network.
        f"-A {CHAIN} -d 10.8.0.1/32 -j DROP",
        f"-A {CHAIN} -d 192.0.2.1/32 -j DROP",
        f"-A {CHAIN} -d 10.8.0.0/16 -j RETURN",
        *(
            f"-A {CHAIN} -d {network} -j DROP"
            for network in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10")
        ),
    ]


def test_containers_of_one_preview_reach_each_other_but_not_the_agent() -> None:
    together = BORDERS._replace(together=True, ingress=Ingress(7, []))
    found = rules(together, 4)
    agent, own = (
        f"-A {CHAIN} -m addrtype --dst-type LOCAL -j DROP",
        f"-A {CHAIN} -d 172.20.3.0/24 -j RETURN",
    )
    assert found.index(agent) < found.index(own)
    assert f"-A {CHAIN} -d 172.20.3.0/24 -j DROP" not in found
    assert [one for one in found if one != own] == [
        one for one in rules(BORDERS, 4) if "172.20.3.0/24 -j DROP" not in one or "!" in one
    ]
    [_, visits] = chains(together, 4, EMPTY)
    assert f"-A PREVSIN-{BRIDGE} -s 172.20.3.0/24 -j RETURN" in visits.rules
    assert visits.rules[-1] == f"-A PREVSIN-{BRIDGE} -j DROP"


def test_one_port_of_a_proxy_is_open_though_all_else_of_its_machine_is_closed() -> None:
    """The proxy may be on this agent, on another machine of the installation, or be denied."""
    proxy = ProxyPort("10.8.0.1", 80)
    opened = f"-A {CHAIN} -d 10.8.0.1/32 -p tcp -m tcp --dport 80 -j RETURN"
    made, before = rules(BORDERS._replace(proxy=proxy), 4), rules(BORDERS, 4)
    assert [rule for rule in made if rule not in before] == [opened]
    assert made.index(opened) < next(place for place, one in enumerate(made) if "LOCAL" in one)
    assert rules(BORDERS._replace(proxy=proxy), 6) == rules(BORDERS, 6)


def test_ipv6_neighbour_discovery_passes_and_metadata_does_not() -> None:
    made = rules(BORDERS, 6)
    assert f"-A {CHAIN} -p ipv6-icmp -m icmp6 --icmpv6-type 135 -j RETURN" in made
    to = [rule.split()[3:] for rule in made if rule.split()[2] == "-d" and "53" not in rule.split()]
    assert [(network, verdict) for network, _, verdict in to] == [
        ("fd01::/64", "DROP"),
        ("fd00:ec2::254/128", "DROP"),
        ("fe80::/10", "DROP"),
        ("fd02::/16", "DROP"),
        ("fd08::1/128", "DROP"),
        ("fd08::/16", "RETURN"),
        ("fc00::/7", "DROP"),
    ]
    assert not any("10.0.0.2" in rule or "MULTICAST" in rule for rule in made)


def test_rules_are_complete_and_in_order() -> None:
    assert is_set(listed(), BORDERS, 4)
    assert is_set(listed() + "-A PREROUTING -j OTHER\n", BORDERS, 4)
    assert not is_set(EMPTY, BORDERS, 4)
    assert not is_set(listed().replace(f"-A {jump(BRIDGE)}\n", ""), BORDERS, 4)
    assert not is_set(listed() + f"-A {CHAIN} -j ACCEPT\n", BORDERS, 4)


def test_setting_the_rules_again_adds_no_second_jump_to_the_chain() -> None:
    first = restore(EMPTY, BORDERS, 4)
    assert first.startswith(f"*mangle\n:{CHAIN} - [0:0]\n")
    assert first.endswith(f"-I {jump(BRIDGE)}\nCOMMIT\n")
    assert jump(BRIDGE) not in restore(listed(), BORDERS, 4)


def test_chains_of_bridges_that_are_gone_are_found_and_removed() -> None:
    assert stale(listed(), {"lo", BRIDGE}) == []
    assert stale(listed(), {"lo"}) == [BRIDGE]
    assert stale("-N DOCKER-USER\n", {"lo"}) == []
    way = f"-D PREROUTING -i {BRIDGE} -j {CHAIN}\n"
    assert remove(listed(), BRIDGE) == f"*mangle\n{way}-F {CHAIN}\n-X {CHAIN}\nCOMMIT\n"
    assert remove(EMPTY, BRIDGE) == "*mangle\nCOMMIT\n"


def test_names_of_chains_are_short_enough_for_iptables() -> None:
    assert len(CHAIN) <= 28


def test_nameservers_are_read_without_those_on_loopback() -> None:
    text = """\
# made by hand
search example.org
nameserver 127.0.0.53
nameserver 10.0.0.2
nameserver fd00::53
nameserver fe80::1%eth0
nameserver
options edns0
"""
    assert read_nameservers(text) == ["10.0.0.2", "fd00::53"]
