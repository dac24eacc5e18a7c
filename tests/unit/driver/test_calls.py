"""A SUBSCRIBE, as bytes."""

import json

from driver.calls import subscribe_request


def test_a_subscribe_call_has_its_own_headers_and_the_length_of_its_body() -> None:
    body = {"type": "SUBSCRIBE", "name": "prévs"}
    request = subscribe_request("h:1", "/api", body, {"Authorization": "Basic x"})
    head, _, content = request.partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    assert lines[0] == b"POST /api HTTP/1.1"
    assert b"Host: h:1" in lines
    assert b"Authorization: Basic x" in lines
    assert b"Content-Length: %d" % len(content) in lines
    assert json.loads(content) == body
