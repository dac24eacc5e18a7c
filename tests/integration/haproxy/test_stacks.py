"""Variants of a stack at a real HAProxy: their addresses, their headers, what applications get."""

import contextlib
import http.client
import subprocess
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import pytest

from prevs.gates import Condition, ConditionKind, GateRecord, Override
from tests.fakes.access import make_pass
from tests.fakes.placements import placement
from tests.fakes.signed_gates import lead
from tests.integration.haproxy import gates, guarding, wire
from tests.integration.haproxy.crowds import crowd
from tests.integration.haproxy.proxies import BROWSER, Answer, Site, haproxies, upstream
from tests.integration.haproxy.wire import Arrived
from tests.waits import wait_until

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]

HOST, CART = "web.localhost", "cart--web.localhost"
MAIN_SHA, CART_SHA, RAW_SHA, LATE_SHA = (digit * 40 for digit in "1234")
VARIANTS = {"cart": "cart--web", "raw": "raw--web", "same": "main"}
VARY = "baggage,x-prevs-stack"
BOTH = [b"prevs-stack=raw"]
OPENINGS = 20


class Stack(NamedTuple):
    """A proxy with the applications of a stack; `arrived` is what that of `raw` has got."""

    site: Site
    arrived: list[Arrived]

    def ask(self, host: str = HOST, path: str = "/", **headers: str) -> Answer:
        """Send a request; underscores in names of headers are hyphens."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.site.proxy.request(host, path, headers=named)

    def name(self, host: str = HOST, path: str = "/", **headers: str) -> str:
        """Return the name of the application that answers."""
        return self.ask(host, path, **headers).body.split()[0].decode()

    def get(self, host: str, *headers: tuple[str, str]) -> tuple[list[bytes], list[bytes]]:
        """Send a request; return each X-Prevs-Stack and each Baggage that arrives at `raw`."""
        connection = http.client.HTTPConnection("127.0.0.1", self.site.proxy.port, timeout=60)
        with contextlib.closing(connection):
            connection.putrequest("GET", "/", skip_host=True)
            for name, value in (("Host", host), *headers):
                connection.putheader(name, value)
            connection.endheaders()
            answer = connection.getresponse()
            assert (answer.status, answer.read()) == (200, b"app")
        fields = self.arrived[-1].fields()
        stacks = [value for name, value in fields if b"stack" in name]
        return stacks, [value for name, value in fields if name == b"baggage"]


@pytest.fixture(scope="module")
def stack(running_site: Site) -> Iterator[Stack]:
    """A member `web` whose usual label runs, and the instances of two variants."""
    site = running_site
    with upstream("main") as main, upstream("cart") as cart, wire.application() as (raw, arrived):
        placed = {
            MAIN_SHA: placement("hello", MAIN_SHA, main.port, "main"),
            CART_SHA: placement("hello", CART_SHA, cart.port, "cart--web"),
            RAW_SHA: placement("hello", RAW_SHA, raw, "raw--web"),
        }
        site.route("hello", placed)
        put(site, VARIANTS)
        yield Stack(site, arrived)


def put(site: Site, variants: dict[str, str], name: str = "web", app: str = "hello") -> GateRecord:
    return gates.put(site, lead("/", "main"), name=name, app=app, variants=variants, stack=name)


def test_an_address_of_a_variant_leads_to_its_label(stack: Stack) -> None:
    for host in (CART, "CART--Web.localhost."):
        answer = stack.ask(host, "/a/b?c=d")
        assert answer.body == b"cart GET /a/b?c=d 0"
        assert "vary" not in answer.headers
    assert stack.name("same--web.localhost") == "main"
    assert stack.name(CART, X_Prevs_Stack="same", Baggage="prevs-stack=same") == "cart"
    assert stack.name(HOST) == "main"
    assert stack.ask("gone--web.localhost").status == 404
    assert stack.name("cart--web.hello.localhost") == "cart", "it has a label of its own, too"


@pytest.mark.parametrize(
    ("named", "name"),
    [
        ({"X_Prevs_Stack": "cart"}, "cart"),
        ({"Baggage": "a=b, prevs-stack=cart;p=1,c=d"}, "cart"),
        ({"Baggage": "prevs-stack=same,prevs-stack=cart"}, "cart"),
        ({"X_Prevs_Stack": "cart", "Baggage": "prevs-stack=same"}, "cart"),
        ({"X_Prevs_Stack": "gone", "Baggage": "prevs-stack=cart"}, "cart"),
        ({"X_Prevs_Stack": "gone"}, "main"),
        ({"X_Prevs_Stack": ""}, "main"),
        ({"Baggage": "prevs-stack=gone,cart=1"}, "main"),
    ],
)
def test_a_header_names_a_variant_and_one_that_is_not_open_means_nothing(
    stack: Stack, named: dict[str, str], name: str
) -> None:
    answer = stack.ask(HOST, "/a", **named)
    assert answer.body == f"{name} GET /a 0".encode()
    assert answer.headers["vary"] == VARY


def test_an_application_learns_its_variant_once_and_keeps_other_baggage(stack: Stack) -> None:
    own = "raw--web.localhost"
    assert stack.get(own) == ([b"raw"], BOTH)
    assert stack.get(HOST, ("X-Prevs-Stack", "raw")) == ([b"raw"], BOTH)
    found = stack.get(own, ("X-Prevs-Stack", "cart"), ("X_Prevs_Stack", "cart"))
    assert found == ([b"raw"], BOTH)
    for sent, kept in {
        "a=b": ",a=b",
        "a=b;p=1, c=d": ",a=b;p=1, c=d",
        "prevs-stack=cart": "",
        "a=b, prevs-stack=raw;p=1 ,c=d": ",a=b,c=d",
        "prevs-stack=cart,prevs-stack = cart, a=b,,prevs-stack": ",a=b",
        "xprevs-stack=1,prevs-stacks=2,a=prevs-stack=3": (
            ",xprevs-stack=1,prevs-stacks=2,a=prevs-stack=3"
        ),
        ",": "",
    }.items():
        merged = [f"prevs-stack=raw{kept}".encode()]
        assert stack.get(own, ("Baggage", sent)) == ([b"raw"], merged), sent
    several = [("Baggage", "a=b"), ("baggage", "prevs-stack=cart"), ("Baggage", "c=d")]
    assert stack.get(own, *several) == ([b"raw"], [b"prevs-stack=raw,a=b,c=d"])


def test_what_is_in_no_variant_gets_no_header_and_its_own_baggage(stack: Stack) -> None:
    sent = ("X-Prevs-Stack", "raw"), ("X_Prevs_Stack", "raw"), ("Baggage", "prevs-stack=raw,a=b")
    kept = [b"prevs-stack=raw,a=b"]
    assert stack.get("raw--web.hello.localhost", *sent) == ([], kept)
    gates.put(stack.site, lead("/", "raw--web"), name="other", override=(Override.HEADER,))
    assert stack.get("other.localhost", *sent) == ([], kept)
    put(stack.site, {"cart": "cart--web"}, "usual")
    assert stack.get("other.localhost", ("X-Prevs-Ref", "raw--web"), *sent) == ([], kept)


def test_http2_leads_there_too(stack: Stack) -> None:
    def ask(host: str, *headers: str) -> str:
        port = stack.site.proxy.port
        sent = [word for header in headers for word in ("-H", header)]
        to = ("--resolve", f"{host}:{port}:127.0.0.1", f"http://{host}:{port}/a")
        command = ["curl", "-sS", "--http2-prior-knowledge", "--max-time", "20", *sent, *to]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    assert ask(CART) == "cart GET /a 0"
    assert ask(HOST, "x-prevs-stack: cart") == "cart GET /a 0"
    assert ask(HOST, "baggage: a=b,prevs-stack=cart") == "cart GET /a 0"
    assert ask(HOST) == "main GET /a 0"


def test_a_variant_that_opens_or_closes_changes_no_answer_of_the_others(stack: Stack) -> None:
    site, before = stack.site, haproxies(stack.site.proxy.folder)
    port = [site.proxy.port]
    with crowd(port, CART, ["/a", "/b"]) as in_cart, crowd(port, HOST, ["/a"]) as usual:
        for number in range(OPENINGS):
            more = {f"more-{one}": "main" for one in range(number % 3)}
            put(site, {**VARIANTS, **more})
            for one in range(3):
                status = 200 if one < number % 3 else 404
                assert stack.ask(f"more-{one}--web.localhost").status == status
        in_cart.go_on()
        usual.go_on()
    put(site, VARIANTS)
    for people, name in ((in_cart, b"cart "), (usual, b"main ")):
        assert not people.problems()
        found = [one.body or b"" for visitor in people.visitors for one in visitor.exchanges]
        assert all(body.startswith(name) for body in found)
    assert haproxies(site.proxy.folder) == before


def test_who_is_in_a_variant_is_counted_also_at_what_all_share(stack: Stack) -> None:
    site = stack.site

    def count(gate: str) -> Counter[str]:
        """Return the reported requests of each variant at a gate."""
        each = (use for report in site.world.uses for use in report["uses"])
        at = [one for one in each if one["task_id"].endswith(f"|{gate}")]
        return sum((Counter({one["task_id"]: one["requests"]}) for one in at), Counter())

    put(site, VARIANTS, "counted")
    assert stack.name("same--counted.localhost") == "main"
    assert stack.name("counted.localhost", X_Prevs_Stack="same") == "main"
    assert stack.name("counted.localhost", Baggage="prevs-stack=same") == "main"
    assert stack.name("cart--counted.localhost") == "cart"
    assert stack.name("counted.localhost") == "main"
    assert stack.name("counted.localhost", X_Prevs_Stack="gone") == "main"
    expected = {"same|counted": 3, "cart|counted": 1}
    wait_until(lambda: count("counted") == expected, instead=lambda: count("counted"))
    with guarding.shop(site):
        put(site, {"cart": "main"}, "team", "shop")
        host = "cart--team.localhost"
        good = guarding.cookie(make_pass("shop", "cart.team.localhost"))
        assert site.proxy.request(host, "/a").status == 401
        assert site.proxy.request(host, "/a", headers=good).status == 200
        wait_until(lambda: count("team"))
        assert count("team") == {"cart|team": 1}, "who has no pass is not in it"


def test_a_variant_may_lead_elsewhere_and_a_gate_may_have_rules(stack: Stack) -> None:
    host, by_header = "cart--moving.localhost", {"X_Prevs_Stack": "cart"}
    for label, name in (("cart--web", "cart"), ("main", "main"), ("cart--web", "cart")):
        put(stack.site, {"cart": label}, "moving")
        assert stack.name(host) == stack.name("moving.localhost", **by_header) == name
    version = Condition(ConditionKind.HEADER, "1", "x-version")
    rules = (lead("/", "main"), lead("/", "cart--web", when=version))
    gates.put(stack.site, *rules, name="moving", variants={"cart": "main"}, stack="moving")
    assert stack.name("moving.localhost", X_Version="1") == "cart"
    assert stack.name("moving.localhost", X_Version="1", **by_header) == "main"
    assert stack.ask("moving.localhost").headers["vary"] == f"{VARY},x-version"


def test_a_request_to_an_instance_is_held_until_it_runs_and_a_browser_gets_its_page(
    stack: Stack,
) -> None:
    site = stack.site
    site.world.add("late", "late--shop", LATE_SHA)
    put(site, {"late": "late--shop"}, "shop", "late")
    late = "late--shop.localhost"
    page = stack.ask(late, "/x", **BROWSER)
    assert (page.status, 'data-ref="late--shop"' in page.body.decode()) == (503, True)
    with wire.application() as (port, arrived), ThreadPoolExecutor() as pool:
        held = [
            pool.submit(site.proxy.request, late, "/x", method="POST", body=b"abc"),
            pool.submit(site.proxy.request, "shop.localhost", headers={"X-Prevs-Stack": "late"}),
        ]
        site.run("late", LATE_SHA, port, "late--shop")
        assert [one.result(60).body for one in held] == [b"app", b"app"]
        for one in arrived:
            fields = dict(one.fields())
            assert fields[b"x-prevs-stack"] == b"late"
            assert fields[b"baggage"] == b"prevs-stack=late"
        assert {one.body for one in arrived} == {b"abc", b""}
        site.route("late", {})


def test_a_visitor_enters_a_guarded_app_at_the_variants_address_and_stays_there(
    stack: Stack,
) -> None:
    site, host = stack.site, "cart--team.localhost"
    with guarding.shop(site) as application:
        put(site, {"cart": "main"}, "team", "shop")
        for path in ("/", "/_prevs/", "/_prevs/log"):
            assert site.proxy.request(host, path).status == 401
        good = guarding.cookie(make_pass("shop", "cart.team.localhost"))
        assert site.proxy.request(host, "/a", headers=good).body == b"shop GET /a 0"
        assert application.seen[-1][2]["x-prevs-stack"] == "cart"
        for other in ("team.localhost", "main.shop.localhost"):
            assert site.proxy.request(other, "/a", headers=good).status == 401
        to_sign_in = stack.ask(host, "/_prevs/enter?to=%2Fa", **BROWSER)
        assert f"on={host}" in to_sign_in.headers["location"]


def test_a_replaced_haproxy_leads_to_the_variants_of_now(stack: Stack) -> None:
    site, own = stack.site, "raw--web.localhost"
    old = site.proxy.connect(6)
    before = site.proxy.haproxy
    site.restart()
    assert site.proxy.haproxy != before
    put(site, {"cart": "main", "raw": "raw--web", "new": "raw--web"})
    asked: Sequence[tuple[str, dict[str, str], str]] = [
        (own, {"Baggage": "a=b"}, "app"),
        (CART, {}, "main"),
        (HOST, {"X-Prevs-Stack": "cart"}, "main"),
        (HOST, {"X-Prevs-Stack": "new"}, "app"),
        (HOST, {"Baggage": "prevs-stack=new,a=b"}, "app"),
        (HOST, {"X-Prevs-Stack": "same"}, "main"),
    ]
    for host, headers, name in asked:
        assert old.ask(host, headers=headers).body.split()[0].decode() == name, (host, headers)
    got = [dict(one.fields()) for one in stack.arrived[-3:]]
    assert [one[b"x-prevs-stack"] for one in got] == [b"raw", b"new", b"new"]
    assert [one[b"baggage"] for one in got] == [
        b"prevs-stack=raw,a=b",
        b"prevs-stack=new",
        b"prevs-stack=new,a=b",
    ]
    put(site, VARIANTS)
