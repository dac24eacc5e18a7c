"""What a HAProxy that was replaced is told about a host."""

import httpx
import pytest

from proxy import internal_api
from proxy.internal_api import Probes
from proxy.model import gates
from proxy.model.access import AppAccess
from proxy.model.gate_entries import list_entries
from proxy.model.gates import SeenGate
from proxy.routing.routing_table import RoutingTable
from tests.fakes.access import ERA, make_pass
from tests.fakes.rooms import make_room
from tests.fakes.signed_gates import lead, make_gate
from tests.fakes.world import FakeFramework
from tests.loops import in_a_loop

HOST = "shop.localhost"
GATE = make_gate(lead("/v1", "v1"), name="api", app="shop")


@pytest.fixture
def client() -> httpx.AsyncClient:
    table = RoutingTable()
    table.accesses = {"shop": AppAccess(ERA)}
    table.gates = gates.merge({"api": SeenGate(1, GATE, list_entries(GATE, "localhost"))})
    context = make_room(FakeFramework(), table)
    app = internal_api.make_app(context, Probes(lambda: (), lambda: ()))
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://wake")


async def ask(client: httpx.AsyncClient, question: str = "", **headers: str) -> tuple[str, bool]:
    """Return who may look, and whether the pass lets in."""
    asked = {f"X-Prevs-{name}": value for name, value in headers.items()}
    answer = await client.post("/where", headers=asked, content=question)
    assert answer.status_code == 404  # nothing runs there
    return answer.headers.get("X-Prevs-App", ""), "X-Prevs-In" in answer.headers


@in_a_loop
async def test_a_landing_page_is_guarded_as_its_app(client: httpx.AsyncClient) -> None:
    assert await ask(client, Host=HOST) == (f"{ERA}|", False)
    assert await ask(client, Host=HOST, Pass=make_pass("shop", HOST)) == (f"{ERA}|", True)
    shared = make_pass("shop", "main.shop.localhost")
    assert await ask(client, Host=HOST, Pass=shared) == (f"{ERA}|", False)
    assert await ask(client, Host="other.localhost") == ("", False)
    assert await ask(client, Host="sign-in.localhost") == ("", False)


@in_a_loop
async def test_what_a_gate_refuses_is_guarded_too(client: httpx.AsyncClient) -> None:
    question = "\n:method: GET\r\n:url: /nowhere\r\n"
    host = "api.localhost"
    assert await ask(client, question, Host=host, Site=host) == (f"{ERA}|", False)


@in_a_loop
async def test_an_older_haproxy_asks_without_a_question(client: httpx.AsyncClient) -> None:
    answer = await client.get("/where", headers={"X-Prevs-Host": "main.docs.localhost"})
    assert answer.status_code == 404  # it is found, but nothing runs there
