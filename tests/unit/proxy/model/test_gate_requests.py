import pytest

from prevs.gate_rules import Request
from prevs.gates import Condition, ConditionKind, Override, Rule, Sticky, Target
from proxy.model.gate_requests import choose_anew, read_request
from tests.fakes.signed_gates import lead, make_gate

VERSION = Condition(ConditionKind.HEADER, "1", "x-version")
HALF = (Target("main", 5000), Target("v1", 5000))


def ask(
    url: str, *headers: str, method: str = "GET", lot: str = "7000", site: str = "api.localhost"
) -> str:
    """Return what HAProxy asks."""
    own = (f":site: {site}", f":method: {method}", f":url: {url}", f":lot: {lot}")
    plan = ":plan: main.hello.localhost|x-prevs-ref|h|hello.localhost|"
    return "\r\n".join((*headers, "", "x-prevs-ref: ", *own, plan))


def test_a_request_is_read_as_choose_lua_reads_it() -> None:
    headers = ("x-version: 2", "x-version: 3", "cookie: z=1", "cookie: a=1; b=x ;c =1;a= 2; d")
    asked = ask("/v1/x?a=1&b=&a=2&c&d=e=f", *headers, method="POST", lot="0042")
    found = {"x-version": "3", "cookie": "a=1; b=x ;c =1;a= 2; d", "x-prevs-ref": ""}
    request = read_request(asked)
    assert {name: request.headers[name] for name in found} == found
    assert request._replace(headers={}) == Request(
        "POST",
        "/v1/x",
        {},
        {"a": " 2", "b": "x ", "c ": "1"},
        {"a": "1", "b": "", "d": "e=f"},
        42,
    )


@pytest.mark.parametrize(
    ("asked", "choice"),
    [
        (ask("/v1"), "main.hello.localhost|x-prevs-ref,x-version||"),
        (ask("/v1", "x-version: 1"), "v1.hello.localhost|x-prevs-ref,x-version||"),
        (
            ask("/v1", "x-version: 2"),
            "-.hello.localhost|x-prevs-ref,x-version||unknown-version hx-version",
        ),
        (ask("/v2"), "-.hello.localhost|x-prevs-ref||no-rule"),
        (ask("/_prevs/log"), "pr-7.hello.localhost|"),
    ],
)
def test_the_answer_has_the_form_of_choose_lua(asked: str, choice: str) -> None:
    rules = (lead("/v1", "main"), lead("/v1", "v1", when=VERSION))
    gate = make_gate(*rules, refuses_unknown=True, override=(Override.HEADER,))
    assert choose_anew(gate, "localhost", asked, "pr-7.hello.localhost|") == choice


def test_a_lot_that_was_drawn_counts_where_a_cookie_does() -> None:
    before = "pr-7.hello.localhost|cookie|0001"
    by_cookie = make_gate(Rule("/", HALF, sticky=Sticky.COOKIE))
    by_address = make_gate(Rule("/", HALF))
    assert (
        choose_anew(by_cookie, "localhost", ask("/"), before) == "v1.hello.localhost|cookie|0001|"
    )
    assert choose_anew(by_address, "localhost", ask("/"), before) == "main.hello.localhost|*|0001|"


@pytest.mark.parametrize(
    ("asked", "choice"),
    [
        (ask("/"), "main.hello.localhost|baggage,x-prevs-stack||"),
        (ask("/", site="cart.api.localhost"), "cart--api.hello.localhost||||cart|api|="),
        (
            ask("/", "baggage: a=b, prevs-stack=cart;p"),
            "cart--api.hello.localhost|baggage,x-prevs-stack|||cart|api|=",
        ),
        (
            ask("/", "baggage: prevs-stack=cart", "x-prevs-stack: search"),
            "main.hello.localhost|baggage,x-prevs-stack|||search|api|=",
        ),
        (ask("/", "x-prevs-stack: gone"), "main.hello.localhost|baggage,x-prevs-stack||"),
        (ask("/_prevs/log", site="cart.api.localhost"), "pr-7.hello.localhost|"),
    ],
)
def test_a_variant_is_that_of_the_address_or_of_a_header(asked: str, choice: str) -> None:
    gate = make_gate(lead("/", "main"), variants={"cart": "cart--api", "search": "main"})
    assert choose_anew(gate, "localhost", asked, "pr-7.hello.localhost|") == choice


def test_a_haproxy_that_an_older_version_started_is_understood() -> None:
    asked = (
        "main.hello.localhost\n:site: api.localhost\r\n:method: GET\r\n:url: /?a=1\r\n"
        ":number: 4000000042\r\nx-version: 2\r\n\r\nx-prevs-ref: "
    )
    request = read_request(asked)
    assert request._replace(headers={}) == Request("GET", "/", {}, {}, {"a": "1"}, 42)
    assert (request.headers[":site"], request.headers["x-version"]) == ("api.localhost", "2")
