import pytest

from proxy.room import host_header


@pytest.mark.parametrize(
    ("header", "host"),
    [
        ("Main.Hello.LocalHost:8080", "main.hello.localhost"),
        ("main.hello.localhost.", "main.hello.localhost"),
        ("main.hello.localhost.:80", "main.hello.localhost"),
        ("[::1]:80", "[::1]"),
        ("[::1]", "[::1]"),
        ("", ""),
    ],
)
def test_a_host_is_normalized_without_port_dot_and_capitals(header: str, host: str) -> None:
    assert host_header.bare_host(header) == host
