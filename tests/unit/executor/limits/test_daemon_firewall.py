"""executor/limits/daemon_firewall.py: the rules of docker's own connections."""

import re
from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executor.limits.confinement import Confinement
from executor.limits.daemon_firewall import (
    DaemonGroup,
    DaemonZone,
    Endpoint,
    chain,
    change,
    choose_bridges,
    describe,
    find_closed,
    is_closed,
    jump,
    rules,
)
from program.networks.reserved import NEVER, SOMEBODYS

GROUP = DaemonGroup("/system.slice/docker.service", "dockerd 12 3456")
ZONE = DaemonZone("docker0", GROUP, ["br-+", "docker0"])
LATER = ZONE._replace(group=GROUP._replace(mark="dockerd 99 7777"))
PRIVATE = [one for one in (*NEVER, *SOMEBODYS) if one.version == 4]
ADDRESSES = st.sampled_from(PRIVATE).flatmap(lambda network: st.ip_addresses(network=network))


def listing(restored: str) -> str:
    """Return what -S shows after a restore, without quotes, as some versions of iptables do."""
    added = [line for line in restored.splitlines() if line.startswith("-A")]
    return "\n".join([f"-A {jump(ZONE)}".replace('"', ""), *added])


def is_open(zone: DaemonZone, address: str, port: int = 80) -> bool:
    """Return what the first rule that fits says of a connection by an ordinary interface."""
    opening, after = rules(zone, ip_address(address).version)
    for rule in (*opening, *after):
        network, wanted = re.search(r" -d (\S+)", rule), re.search(r"--dport (\d+)", rule)
        if " -o " in rule or "addrtype" in rule:
            continue
        if network and ip_address(address) not in ip_network(network[1]):
            continue
        if wanted is None or int(wanted[1]) == port:
            return rule.endswith("-j RETURN")
    return True


@pytest.mark.parametrize(
    ("address", "opens"),
    [
        ("93.184.216.34", True),
        ("2606:2800:220:1::1", True),
        ("127.0.0.1", False),
        ("::1", False),
        ("169.254.169.254", False),
        ("10.1.2.3", False),
        ("fd00::1", False),
        ("0.0.0.0", False),
    ],
)
def test_docker_connects_to_public_addresses_alone(address: str, opens: bool) -> None:
    assert is_open(ZONE, address) is opens


@given(
    address=st.ip_addresses(v=4) | ADDRESSES,
    allowed=st.lists(st.sampled_from(["10.0.0.0/8", "192.168.7.0/24", "127.0.0.0/30"])),
    denied=st.lists(st.sampled_from(["10.1.0.0/16", "203.0.113.0/24", "8.8.8.8/32"])),
    control=st.lists(st.sampled_from(["10.1.2.3/32", "8.8.4.4/32"])),
)
def test_the_rules_and_the_explanation_of_a_refusal_agree(
    address: object, allowed: list[str], denied: list[str], control: list[str]
) -> None:
    confined = Confinement(
        allowed=list(map(ip_network, allowed)),
        denied=list(map(ip_network, denied)),
        control_plane=list(map(ip_network, control)),
    )
    zone = ZONE._replace(
        allowed=confined.allowed, denied=confined.denied, control_plane=confined.control_plane
    )
    assert is_open(zone, str(address)) is not is_closed(str(address), confined)


def test_what_the_operator_has_named_is_open_at_its_port_wherever_it_is() -> None:
    zone = ZONE._replace(
        opened=[Endpoint("127.0.0.1", 5000)],
        nameservers=["127.0.0.53", "10.0.0.2"],
        denied=[ip_network("127.0.0.0/8")],
    )
    assert is_open(zone, "127.0.0.1", 5000)
    assert not is_open(zone, "127.0.0.1", 5001)
    assert is_open(zone, "127.0.0.53", 53)
    assert is_open(zone, "10.0.0.2", 53)
    assert not is_open(zone, "10.0.0.2", 80)


def test_loopback_is_open_only_to_an_operator_who_names_it() -> None:
    assert is_open(ZONE._replace(allowed=[ip_network("127.0.0.1/32")]), "127.0.0.1")
    assert not is_open(ZONE._replace(allowed=[ip_network("0.0.0.0/0")]), "127.0.0.1")


@pytest.mark.parametrize("version", [4, 6])
def test_rules_that_are_set_are_not_set_again_until_the_daemon_is_another_one(version: int) -> None:
    first = change("-P OUTPUT ACCEPT", ZONE, version)
    assert f"-I {jump(ZONE)}" in first.splitlines()
    listed = listing(first)
    assert change(listed, ZONE, version) == ""
    # A rule keeps to the control group that was there: after a restart it is another one.
    again = change(listed, LATER, version)
    assert f"-D {jump(ZONE)}".replace('"', "") in again.splitlines()
    assert f"-I {jump(LATER)}" in again.splitlines()


def test_without_the_jump_the_rules_are_set_again() -> None:
    lines = listing(change("", ZONE, 4)).splitlines()
    without = "\n".join(line for line in lines if not line.endswith(f"-j {chain('docker0')}"))
    assert f"-I {jump(ZONE)}" in change(without, ZONE, 4).splitlines()


def test_what_one_installation_has_opened_stays_open_for_it_while_the_daemon_runs() -> None:
    mine = ZONE._replace(opened=[Endpoint("127.0.0.1", 5000)])
    other = ZONE._replace(opened=[Endpoint("127.0.0.1", 6000)], allowed=[ip_network("10.0.0.0/8")])
    listed = listing(change("", mine, 4))
    both = change(listed, other, 4)
    assert "--dport 5000" in both
    assert "--dport 6000" in both
    # The networks are those of the last one: PREVS_ALLOW of another does not stay.
    back = change(listing(both), mine, 4)
    assert "--dport 6000" in back
    assert "-d 10.0.0.0/8 -j RETURN" not in back
    assert "--dport" not in change(listing(both), LATER, 4)


@pytest.mark.parametrize(
    ("links", "chosen"),
    [
        (["lo", "br-0123456789ab", "br-aaaaaaaaaaaa"], ["br-+", "docker0"]),
        (["lo", "br-0123456789ab", "br-lan"], ["br-0123456789ab", "docker0"]),
    ],
)
def test_no_bridge_of_somebody_else_is_taken_for_dockers(
    links: list[str], chosen: list[str]
) -> None:
    assert choose_bridges(["docker0", "br-0123456789ab"], links) == chosen


@pytest.mark.parametrize(
    ("error", "end", "registry"),
    [
        (
            "evil.example:7/x:1: failed to resolve source metadata for evil.example:7/x:1: failed "
            'to do request: Head "http://127.0.0.1:9999/v2/x": dial tcp 127.0.0.1:9999: connect: '
            "connection refused",
            Endpoint("127.0.0.1", 9999),
            "evil.example:7",
        ),
        (
            'Head "https://reg.corp/v2/x": dial tcp 10.1.2.3:443: connect: connection refused',
            Endpoint("10.1.2.3", 443),
            "reg.corp",
        ),
        (
            "1/5 FROM db:7/x:1 download failed after attempts=6: dial tcp [::1]:80: connect: "
            "connection refused",
            Endpoint("::1", 80),
            "db:7",
        ),
        ("dial tcp 93.184.216.34:443: connect: connection refused", None, ""),
        ("dial tcp 300.1.1.1:443: connect: connection refused", None, ""),
        (
            'process "/bin/sh -c echo dial tcp 127.0.0.1:1: connect: connection refused; false" '
            "did not complete successfully: exit code: 1",
            None,
            "",
        ),
    ],
)
def test_a_refused_connection_is_told_with_the_registry_that_led_there(
    error: str, end: Endpoint | None, registry: str
) -> None:
    assert find_closed(error, Confinement()) == end
    if end is not None:
        why = describe(error, end).why
        assert why.startswith(f"{registry} leads Docker to ")
        assert str(end.port) in why
