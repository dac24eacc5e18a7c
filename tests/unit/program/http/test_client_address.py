"""program/http/client_address.py: which addresses count as one client."""

import ipaddress

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from program.http.client_address import SITE_BITS, name_client, name_customer


@pytest.mark.parametrize(
    ("address", "client"),
    [
        ("10.0.0.9", "10.0.0.9"),
        ("::ffff:10.0.0.9", "10.0.0.9"),
        ("2001:db8:1:2::3", "2001:db8:1::/48"),
        ("2001:db8:1:ffff::9", "2001:db8:1::/48"),
        ("fe80::1%eth0", "fe80::/48"),
        ("", ""),
        ("unix", "unix"),
        ("via 10.0.0.9", "via 10.0.0.9"),
    ],
)
def test_a_client_is_an_address_or_a_network_of_ip_6(address: str, client: str) -> None:
    assert name_customer(address) == client


@given(st.ip_addresses(v=6), st.integers(0, 2**64 - 1))
def test_all_addresses_of_a_site_are_one_client(address: ipaddress.IPv6Address, host: int) -> None:
    site = int(address) >> 64 << 64
    assume(site)  # mapped addresses are there
    neighbour, other = ipaddress.IPv6Address(site | host), ipaddress.IPv6Address(site ^ 1 << 64)
    assert name_client(str(address), SITE_BITS) == name_client(str(neighbour), SITE_BITS)
    assert name_client(str(address), SITE_BITS) != name_client(str(other), SITE_BITS)


@given(st.ip_addresses(v=4), st.ip_addresses(v=4))
def test_two_addresses_of_ip_4_are_two_clients_also_where_they_are_mapped(
    one: ipaddress.IPv4Address, other: ipaddress.IPv4Address
) -> None:
    assert name_client(f"::ffff:{one}", SITE_BITS) == name_client(str(one), SITE_BITS)
    same = name_client(f"::ffff:{one}", SITE_BITS) == name_client(f"::ffff:{other}", SITE_BITS)
    assert same == (one == other)
