from typing import Any

import pytest

from framework.http_api.landing.landing_models import Landing
from proxy.model.landing import FEW, MANY, LandingQuery, read_landing, read_query

ENTRY = {"kind": "tag", "name": "v1", "url": "https://v1.shop.a.org/", "state": "failed"}


@pytest.mark.parametrize(
    ("fields", "query", "limit"),
    [
        ({}, LandingQuery(), FEW),
        (
            {"q": "  fix  ", "kind": "tag", "after": "WzFd"},
            LandingQuery("fix", "tag", "WzFd"),
            MANY,
        ),
        ({"after": "WzFd"}, LandingQuery(), FEW),
        ({"kind": "<", "after": "WzFd"}, LandingQuery(), FEW),
        ({"kind": "pull", "after": "a b"}, LandingQuery("", "pull"), MANY),
        ({"q": "x" * 300}, LandingQuery("x" * 200), FEW),
    ],
)
def test_what_is_asked_for_is_what_the_framework_takes(
    fields: dict[str, str], query: LandingQuery, limit: int
) -> None:
    assert read_query(fields) == query
    assert query.limit == limit


def test_what_the_framework_gives_is_read() -> None:
    example: Any = Landing.model_config["json_schema_extra"]
    found = read_landing(next(iter(example["examples"])))
    assert found.shows_all
    assert [(one.kind, one.total) for one in found.lists] == [
        ("pull", 0),
        ("branch", 1),
        ("tag", 0),
    ]
    (entry,) = found.lists[1].entries
    assert (entry.name, entry.state, entry.may_run) == ("feature/greetings", "failed", True)


def test_only_what_has_an_address_of_the_web_is_linked() -> None:
    links = [{"stack": "shop", "url": "http://v--shop.a.org/"}, {"stack": "x", "url": "y"}, 7]
    services = [{"name": "result", "url": "http://result--v1.shop.a.org/"}, {"name": "x"}]
    linked = {**ENTRY, "variants": links, "services": services}
    entries = [linked, {**ENTRY, "url": "javascript:x"}, 7, {**ENTRY, "state": "<b>", "at": "x"}]
    value = {"commit_url": "http://COMMIT.shop.a.org/", "tags": {"entries": entries, "total": 9}}
    found = read_landing(value)
    assert not found.shows_all
    tags = found.lists[2]
    assert [(one.state, one.at) for one in tags.entries] == [("failed", None), ("", None)]
    assert [one.stacks for one in tags.entries] == [(("shop", "http://v--shop.a.org/"),), ()]
    assert tags.entries[0].services == (("result", "http://result--v1.shop.a.org/"),)
    assert tags.more == 7


@pytest.mark.parametrize("value", [None, [], {}, {"commit_url": "javascript:COMMIT"}])
def test_another_answer_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="no landing page"):
        read_landing(value)
