"""What people write about gates."""

import pytest

from cli.gates.gate_files import read_path


@pytest.mark.parametrize(
    ("text", "path", "query"),
    [
        ("/v2/items?v=2&v=3&a=%20", "/v2/items", {"v": "2", "a": "%20"}),
        ("//v1/x#top", "//v1/x", {}),
        ("http://api.prevs.example/v1?v=2", "/v1", {"v": "2"}),
        ("http://api.prevs.example", "/", {}),
    ],
)
def test_a_request_is_tried_as_it_is_sent(text: str, path: str, query: dict[str, str]) -> None:
    assert read_path(text) == (path, query)
