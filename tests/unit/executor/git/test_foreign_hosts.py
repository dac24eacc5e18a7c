"""executor/git/foreign_hosts.py: at which addresses git may contact a commit's hosts."""

import ipaddress

import pytest

from executor.git.foreign_hosts import Place, find_open, find_proxy, resolve, write_pins
from executor.limits.confinement import Confinement
from program.git.addresses import Origin
from tests.fakes.networks import NEVER, PRIVATE, PUBLIC


def networks(*texts: str) -> list[ipaddress.IPv4Network | ipaddress.IPv6Network]:
    return [ipaddress.ip_network(text) for text in texts]


def is_open(address: str, confined: Confinement | None = None) -> bool:
    return find_open([Place(address)], confined or Confinement()) == [address]


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_open(address: str) -> None:
    assert is_open(address)


@pytest.mark.parametrize("address", [*PRIVATE, *NEVER])
def test_all_others_are_closed(address: str) -> None:
    assert not is_open(address)


@pytest.mark.parametrize("address", PRIVATE)
def test_private_networks_that_previews_may_reach_are_open(address: str) -> None:
    allowed = networks("0.0.0.0/0", "::/0")
    assert is_open(address, Confinement(allowed=allowed))
    assert not is_open(address, Confinement(allowed=allowed, denied=allowed))
    assert not is_open(address, Confinement(allowed=allowed, control_plane=allowed))


@pytest.mark.parametrize("address", NEVER)
def test_no_setting_opens_the_addresses_of_a_machine_itself(address: str) -> None:
    assert not is_open(address, Confinement(allowed=networks("0.0.0.0/0", "::/0")))


def test_an_allowed_network_opens_only_itself() -> None:
    confined = Confinement(allowed=networks("10.1.0.0/16"))
    open_ones = ["10.1.2.3", "::ffff:10.1.2.3", "64:ff9b::a01:203"]
    places = [Place(one) for one in (*open_ones, "10.2.0.1", "192.168.0.1")]
    assert find_open(places, confined) == open_ones


CLOSED = networks("93.184.216.0/24", "2606::/16")


@pytest.mark.parametrize(
    "confined", [Confinement(denied=CLOSED), Confinement(control_plane=CLOSED)]
)
def test_a_denied_network_is_closed_though_it_is_public(confined: Confinement) -> None:
    assert find_open([Place(address) for address in PUBLIC], confined) == []


def test_an_address_of_this_machine_is_closed_though_it_is_public() -> None:
    assert find_open([Place("93.184.216.34", is_own=True)], Confinement()) == []


def test_only_open_addresses_of_a_host_are_used() -> None:
    places = [Place("10.0.0.1"), Place("93.184.216.34"), Place("2606:2800::1"), Place("::1")]
    found = find_open(places, Confinement())
    assert write_pins(Origin("https", "h.example", 8443), found) == [
        ("http.curloptResolve", "h.example:8443:93.184.216.34,[2606:2800::1]")
    ]


def test_an_http_host_is_pinned_for_https_too() -> None:
    assert write_pins(Origin("http", "h.example", 80), ["192.0.2.1"]) == [
        ("http.curloptResolve", "h.example:80:192.0.2.1"),
        ("http.curloptResolve", "h.example:443:192.0.2.1"),
    ]


def test_proxies_are_found_as_git_finds_them() -> None:
    assert find_proxy("https", {}) == find_proxy("http", {"HTTP_PROXY": "p"}) == ""
    assert find_proxy("https", {"https_proxy": "", "HTTPS_PROXY": "p", "ALL_PROXY": "q"}) == "p"
    assert find_proxy("http", {"http_proxy": "p"}) == find_proxy("http", {"all_proxy": "p"}) == "p"
    assert find_proxy("http", {"https_proxy": "p"}) == ""


def test_this_machines_own_addresses_are_found() -> None:
    assert resolve("127.0.0.1", 80) == [Place("127.0.0.1", is_own=True)]
    assert Place("127.0.0.1", is_own=True) in resolve("localhost", 80)
    assert resolve("93.184.216.34", 80) == [Place("93.184.216.34", is_own=False)]
    assert resolve("nobody.invalid", 80) == ()
