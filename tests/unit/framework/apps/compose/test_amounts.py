"""Amounts and ports as compose files write them."""

import pytest

from framework.apps.compose.amounts import Port, read_megabytes, read_port, read_seconds
from framework.apps.compose.images import memory_of


@pytest.mark.parametrize(
    ("text", "port"),
    [
        ("80", Port(80)),
        ("8080:80", Port(80)),
        (":2283:2283", Port(2283)),
        ("127.0.0.1:8080:80/tcp", Port(80)),
        ("127.0.0.1::80", Port(80)),
        ("[::1]:8080:80", Port(80)),
        ("53:53/udp", Port(53, "udp")),
        ("3000-3005:4000-4005", Port(4000)),
        ("0", None),
        ("70000", None),
        ("x:80", None),
    ],
)
def test_the_port_of_the_container(text: str, port: Port | None) -> None:
    assert read_port(text) == port


def test_durations_sizes_and_what_images_need() -> None:
    assert [read_seconds(one) for one in ("1m30s", "500ms", "5", "x")] == [90.0, 0.5, 5.0, None]
    assert [read_megabytes(one) for one in ("1g", "64MB", "1024", "x")] == [1024, 64, 1, None]
    names = ("docker.io/library/postgres:17@sha256:0", "mysql", "redis:8", "")
    assert [memory_of(one) for one in names] == [256, 512, 128, 128]
