"""What people write about gates."""

from typing import Any

import click
import pytest

from cli.gates.gate_files import read_order, read_path
from prevs import names


@pytest.mark.parametrize(
    ("text", "path", "query"),
    [
        ("/v2/items?v=2&v=3&a=%20", "/v2/items", {"v": "2", "a": "%20"}),
        ("//v1/x#top", "//v1/x", {}),
        ("http://api.prevs.example/v1?v=2", "/v1", {"v": "2"}),
        ("https://api.prevs.example?v=2", "/", {"v": "2"}),
        ("http://[::1", "/", {}),
    ],
)
def test_a_request_is_tried_as_it_is_sent(text: str, path: str, query: dict[str, str]) -> None:
    assert read_path(text) == (path, query)


@pytest.mark.parametrize(
    ("value", "wrong"),
    [
        ("2015-03-27", 'has 2015-03-27 without quotation marks. Write "2015-03-27".'),
        ("nan", "is not TOML, nor JSON"),
    ],
)
def test_a_file_has_no_value_that_json_has_not(value: str, wrong: str) -> None:
    with pytest.raises(click.UsageError, match=wrong):
        read_order(f'rules = [{{path = "/", to = "v1", when = {{header = "x", is = {value}}}}}]')


@pytest.mark.parametrize("to", ['"feature/cart"', '[{label = "feature/cart", weight = 100}]'])
def test_a_target_may_be_the_name_of_a_branch(to: str) -> None:
    order, _ = read_order(f'rules = [{{path = "/", to = {to}}}]')
    target = {"label": names.slug("feature/cart")}
    rules: Any = order["rules"]
    assert target.items() <= rules[0]["to"][0].items()
