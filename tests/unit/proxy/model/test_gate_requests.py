from prevs.gate_rules import Request
from proxy.model.gate_requests import read_request


def test_a_request_is_read_as_haproxy_reads_it() -> None:
    described = {
        "x-prevs-method": "POST",
        "x-prevs-url": "/v1/x?a=1&b=&a=2&c&d=e=f",
        "x-prevs-lot": "0042",
        "x-prevs-as-x-version": "3",
        "x-prevs-as-cookie": "a=1; b = x;a=2; c",
        "host": "wake",
    }
    assert read_request(described) == Request(
        "POST",
        "/v1/x",
        {"x-version": "3", "cookie": "a=1; b = x;a=2; c"},
        {"a": "2", "b": "x"},
        {"a": "1", "b": "", "d": "e=f"},
        42,
    )


def test_a_request_that_is_not_described_is_one_for_the_root() -> None:
    assert read_request({}) == Request("", "/", {}, {}, {}, 0)
