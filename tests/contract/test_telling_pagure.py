"""What is Pagure's alone when prevs writes there: a client of ours, and a double of it."""

from collections.abc import Iterator

import pytest

from framework.ports.forge_errors import ForgeUnreachable
from framework.ports.telling import Light, Status
from tests.fakes.forges.clients import client_of
from tests.fakes.forges.pagure import PagureServer
from tests.fakes.forges.server import PullFacts, Reply, sha_of

pytestmark = pytest.mark.contract

OLD, NEW = sha_of(1), sha_of(2)


@pytest.fixture
def pagure() -> Iterator[PagureServer]:
    server = PagureServer()
    server.pulls = [PullFacts(7, NEW)]
    yield server
    server.close()


def status(light: Light, sha: str, url: str = "https://pr-7.shop.prevs.example/") -> Status:
    return Status(sha, light, "prevs/shop", "opens at pr-7", url)


def test_what_its_database_could_not_store_is_said_again(pagure: PagureServer) -> None:
    locked = Reply(400, body=b'{"error": "An error occurred", "error_code": "EDBERROR"}')
    pagure.mishap = lambda request: locked if request.method == "POST" else None
    with pytest.raises(ForgeUnreachable, match="could not store"):
        client_of(pagure).add_comment(7, "text")
    with pytest.raises(ForgeUnreachable, match="could not store"):
        client_of(pagure).set_status(7, status(Light.PENDING, NEW))


def test_a_status_that_comes_late_leaves_no_second_flag_on_a_new_head(pagure: PagureServer) -> None:
    client = client_of(pagure)
    client.set_status(7, status(Light.PENDING, OLD))
    client.set_status(7, status(Light.SUCCESS, NEW))
    assert [(sha, one.state) for (_, sha), one in pagure.flags.items()] == [(NEW, "success")]


def test_a_flag_that_may_not_have_an_address_leads_to_the_comment(pagure: PagureServer) -> None:
    flat = "https://pr-7--shop.prevs.example/"
    client_of(pagure).set_status(7, status(Light.SUCCESS, NEW, flat))
    (flag,) = pagure.statuses
    assert flag.url == f"{pagure.origin}/group/shop/pull-request/7"
