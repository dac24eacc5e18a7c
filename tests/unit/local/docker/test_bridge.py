"""The bridge of a dockerd of ours, and the addresses that it chooses."""

import os
from ipaddress import IPv4Network
from pathlib import Path

from local.docker.bridge import Link, address, choose_pool, is_there, name, own, read_links

IP_OUTPUT = """[{},{"ifname":"lo","addr_info":[{"local":"127.0.0.1","prefixlen":8}]},\
{"ifname":"veth1","addr_info":[]},\
{"ifname":"br-0123456789ab","addr_info":[{"local":"172.20.65.1","prefixlen":24}]}]"""
POOL = IPv4Network("172.20.64.0/18")


def test_each_folder_has_a_name_and_addresses_of_its_own_that_stay() -> None:
    first, second = Path("/home/a/docker"), Path("/home/b/docker")
    assert name(first) == name(first) != name(second)
    assert len(name(first)) < 16, "no link may have a longer name"
    assert choose_pool(first, ()) == choose_pool(first, ())


def test_addresses_of_others_are_not_chosen() -> None:
    folder = Path("/home/a/docker")
    taken: list[IPv4Network] = []
    for _ in range(16 + 32 + 16):
        pool = choose_pool(folder, taken)
        assert pool is not None
        assert not any(pool.overlaps(one) for one in taken)
        taken.append(IPv4Network(address(pool), strict=False))
    assert choose_pool(folder, taken) is None
    assert choose_pool(folder, [IPv4Network("172.16.0.0/12"), IPv4Network("10.0.0.0/8")]) is None


def test_networks_of_docker_compose_leave_addresses() -> None:
    every = [IPv4Network(f"172.{number}.0.0/16") for number in range(17, 32)]
    pool = choose_pool(Path("/home/a/docker"), every)
    assert pool is not None
    assert pool.subnet_of(IPv4Network("10.0.0.0/8"))


def test_a_dockerd_owns_its_bridge_and_links_with_addresses_of_its_pool() -> None:
    links = [
        Link("prevs-01234567"),
        Link("prevs-89abcdef", (IPv4Network("172.20.64.0/24"),)),
        Link("docker0", (IPv4Network("172.17.0.0/16"),)),
        Link("br-0123456789ab", (IPv4Network("172.20.65.0/24"),)),
        Link("br-ba9876543210", (IPv4Network("172.20.128.0/24"),)),
        Link("br-of-another", (IPv4Network("172.20.0.0/16"),)),
    ]
    assert own(links, "prevs-01234567", POOL) == ["prevs-01234567", "br-0123456789ab"]


def test_links_are_read_with_their_networks() -> None:
    assert read_links(IP_OUTPUT) == [
        Link("lo", (IPv4Network("127.0.0.0/8"),)),
        Link("veth1"),
        Link("br-0123456789ab", (IPv4Network("172.20.65.0/24"),)),
    ]


def test_a_link_is_looked_for_where_a_process_has_its_network() -> None:
    assert is_there(os.getpid(), "lo")
    assert not is_there(os.getpid(), "prevs-nowhere")
    assert is_there(0, "lo"), "nobody misses the bridge of what has ended"
