"""framework/apps/receiver_address.py: which hosts, and which of their addresses."""

import pytest

from framework.apps import receiver_address
from framework.apps.receiver_address import Place, find_open, find_problem, is_allowed, read
from tests.fakes.networks import NEVER, PRIVATE, PUBLIC

HOSTS = ("hooks.slack.com", "*.example.org", "10.0.0.7")


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("https://a.example.org", Place("https", "a.example.org", 443, "/")),
        ("HTTP://A.Example.org:80/x?y=1&z", Place("http", "a.example.org", 80, "/x?y=1&z")),
        ("http://10.0.0.7:8065/hooks/x", Place("http", "10.0.0.7", 8065, "/hooks/x")),
        ("https://[2001:DB8::1]:444/", Place("https", "2001:db8::1", 444, "/")),
    ],
)
def test_an_address_has_one_reading(url: str, place: Place) -> None:
    assert read(url) == place


@pytest.mark.parametrize(
    "url",
    [
        "",
        "hooks.slack.com/x",
        "ftp://hooks.slack.com/",
        "https://user:hunter2@hooks.slack.com/",
        "https://evil.example\\@hooks.slack.com/",
        "https://hooks.slack.com\\.evil.example/",
        "https://hooks.slack.com#@evil.example/",
        "https://hooks.slack.com/#x",
        "https://hooks.slack.com?x",
        "https://hooks.slack.com/a b",
        "https://hooks.slack.com/\r\nX: y",
        "https://hooks.slack.com:0/",
        "https://hooks.slack.com:65536/",
        "https://hooks.slack.com./",
        "https://höoks.example.org/",
        "https://[::1/",
        "https://hooks.slack.com:080/",
        "https://a%2eexample.org/",
        f"https://a.example.org/{'x' * receiver_address.LONGEST}",
    ],
)
def test_what_could_be_read_in_two_ways_is_no_address(url: str) -> None:
    assert read(url) is None
    assert "must be an address" in str(find_problem(url))


def test_only_hosts_that_the_operator_lists_are_allowed() -> None:
    for host in ("hooks.slack.com", "a.example.org", "b.a.example.org", "10.0.0.7"):
        assert is_allowed(host, HOSTS)
        assert not is_allowed(host, ())
    for host in ("slack.com", "xhooks.slack.com", "a.hooks.slack.com", "example.org", "10.0.0.8"):
        assert not is_allowed(host, HOSTS)
        assert is_allowed(host, ("*",))


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_open(address: str) -> None:
    for host in ("hooks.slack.com", "a.example.org"):
        assert find_open(host, [address], HOSTS, ()) == [address]


@pytest.mark.parametrize("address", PRIVATE)
def test_a_private_address_is_open_to_a_host_that_is_listed_by_its_name(address: str) -> None:
    assert find_open("a.example.org", [address], HOSTS, ()) == []
    assert find_open("hooks.slack.com", [address], HOSTS, ()) == [address]


@pytest.mark.parametrize("address", NEVER)
def test_no_name_leads_to_a_machine_itself(address: str) -> None:
    assert find_open("hooks.slack.com", [address], HOSTS, ()) == []
    assert find_open("a.example.org", [address], ("*",), ()) == []


def test_no_name_leads_to_the_control_plane() -> None:
    closed = ("10.0.0.0/30", "203.0.113.9")
    found = ["10.0.0.1", "::ffff:10.0.0.2", "203.0.113.9", "10.0.0.4"]
    assert find_open("hooks.slack.com", found, HOSTS, closed) == ["10.0.0.4"]


def test_an_address_that_is_listed_opens_itself_and_no_other() -> None:
    hosts = ("127.0.0.1", "*")
    assert find_open("127.0.0.1", ["127.0.0.1"], hosts, ("127.0.0.1",)) == ["127.0.0.1"]
    assert find_open("127.0.0.2", ["127.0.0.2"], hosts, ()) == []
