"""Similar names for an unknown app or label."""

from typing import Any, cast

import pytest

from cli.client.generated.records import App, Apps, Ref, Refs
from cli.client.paging import Listed
from cli.errors import ApiRefused, ApiUnreachable, Failure, Problem
from cli.names.suggestions import suggest
from tests.fakes import answers as fake


class Names:
    def __init__(self, *refs: str, away: bool = False) -> None:
        self.away = away
        self.listed = [cast(Ref, fake.ref(name)) for name in refs]

    def list_apps(self) -> Listed[App, Apps]:
        if self.away:
            raise ApiUnreachable(Failure("http://api", "gone"))
        apps = [cast(App, fake.app(name)) for name in ("hello", "shop", "shop-api")]
        return Listed(apps, more=False, page=cast(Any, {}))

    def list_refs(self, app: str) -> Listed[Ref, Refs]:
        assert app == "hello"
        return Listed(self.listed, more=False, page=cast(Any, {}))


def refused(slug: str, **fields: str) -> ApiRefused:
    return ApiRefused(Problem(slug, 404, "No", "No.", fields))


@pytest.mark.parametrize(
    ("named", "meant"),
    [
        ("helo", "Did you mean 'hello'?"),
        ("shopapi", "Did you mean 'shop-api' or 'shop'?"),
        ("x", ""),
    ],
)
def test_the_most_similar_apps_are_suggested(named: str, meant: str) -> None:
    assert suggest(Names(), refused("unknown-app", app=named)) == meant


def test_the_branches_most_similar_to_the_given_name_are_suggested() -> None:
    error = refused("unknown-label", app="hello", label="feature-crat-0bef4359")
    error.wanted = "Feature/crat"
    names = Names("main", "feature/cart", "v1")
    assert suggest(names, error) == "Did you mean 'feature/cart'?"


def test_nothing_is_suggested_if_nothing_is_known() -> None:
    assert suggest(Names(away=True), refused("unknown-app", app="helo")) == ""
    assert suggest(Names(), refused("forbidden")) == ""
