"""A real HAProxy keeps its connections to previews, also if visitors of many come by turns."""

import contextlib
import http.client

import pytest

from tests.fakes.placements import placement
from tests.integration.haproxy.proxies import Site, upstream

pytestmark = pytest.mark.integration

PREVIEWS, TURNS = 4, 20


def test_visitors_of_several_previews_by_turns_need_few_connections(site: Site) -> None:
    address = ("127.0.0.1", site.proxy.port)
    with contextlib.ExitStack() as stack:
        previews = [stack.enter_context(upstream(f"p{one}")) for one in range(PREVIEWS)]
        commits = [f"{number:040x}" for number in range(PREVIEWS)]
        placed = {
            sha: placement("hello", sha, one.port, one.name)
            for sha, one in zip(commits, previews, strict=True)
        }
        site.route("hello", placed)
        visitors = [
            stack.enter_context(contextlib.closing(http.client.HTTPConnection(*address)))
            for _ in previews
        ]
        for _ in range(TURNS):
            for visitor, preview in zip(visitors, previews, strict=True):
                visitor.request("GET", "/", headers={"Host": f"{preview.name}.hello.localhost"})
                assert visitor.getresponse().read().startswith(preview.name.encode())
        counts = [one.connections for one in previews]
        # The first request of a visitor never takes a connection that is there (http-reuse safe).
        assert PREVIEWS <= sum(counts) <= 2 * PREVIEWS, counts
