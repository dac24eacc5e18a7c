"""A real HAProxy chooses as prevs/gate_rules.py says: random rules, random requests."""

import dataclasses
import http.client
import itertools
from collections.abc import Iterator, Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from prevs.gate_rules import Choice, Request, choose
from prevs.gates import (
    Condition,
    ConditionKind,
    GateRecord,
    Revision,
    Rule,
    Sticky,
    Target,
)
from tests.fakes.random_gates import REQUESTS, REVISIONS
from tests.fakes.signed_gates import lead
from tests.integration.haproxy import gates
from tests.integration.haproxy.lots import find_lot
from tests.integration.haproxy.proxies import Answer, Site

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

REVISIONS_TRIED, REQUESTS_EACH = 30, 20
OWN_VARY = "Accept, Sec-Fetch-Mode"
"""What the page of a refusal depends on, itself."""
_NUMBERS = itertools.count(1)


@pytest.fixture(scope="module")
def chooser(running_site: Site) -> Iterator[Site]:
    """A proxy with an app of several labels."""
    with gates.labelled(running_site):
        yield running_site


def send(connection: http.client.HTTPConnection, request: Request) -> Answer:
    """Send a request to the gate, or to its variant's address."""
    path = request.path if request.path.startswith("/") else "/"
    query = "&".join(f"{name}={value}" for name, value in request.query.items())
    host = f"{request.variant}--{gates.HOST}" if request.variant else gates.HOST
    headers = {"Host": host, **request.headers}
    if request.cookies:
        headers["Cookie"] = "; ".join(f"{name}={one}" for name, one in request.cookies.items())
    connection.request(request.method, f"{path}?{query}" if query else path, headers=headers)
    answer = connection.getresponse()
    names = {name.lower() for name, _ in answer.getheaders()}
    joined = {name: ",".join(answer.headers.get_all(name, [])) for name in names}
    return Answer(answer.status, joined, answer.read())


def check(revision: Revision, request: Request, answer: Answer) -> None:
    """Compare an answer with what the rules say."""
    told = answer.headers.get("set-cookie", "").partition(";")[0].removeprefix("prevs-lot=")
    asked = request._replace(
        path=request.path if request.path.startswith("/") else "/",
        lot=int(told) if told else find_lot("127.0.0.1"),
    )
    expected = choose(revision, asked)
    about = (asked, expected, answer)
    vary = answer.headers.get("vary", "").removeprefix(OWN_VARY).lstrip(",")
    assert vary == ",".join(expected.vary), about
    if isinstance(expected, Choice):
        assert gates.label_of(answer) == expected.label, about
    else:
        assert answer.status == expected.status, about
        assert gates.label_of(answer) is None, about


@pytest.mark.parametrize(
    ("headers", "label"),
    [
        ([b"X-Version: 1"], "v1"),
        ([b"X-Version:1"], "v1"),
        ([b"X-Version: 2"], "main"),
        ([b"X-Version: 2", b"X-Version: 1"], "v1"),
        ([b"X-Version: 1", b"X-Version: 2"], "main"),
        ([b"X-Version: 1", b"X-Version: 1\xe9"], "main"),
        ([b"X-Version: 1\xe9", b"X-Version: 1"], "v1"),
        ([b"X-Version: 1", b"X-Version:"], "main"),
        ([b"X-Version: 1 2"], "main"),
        ([b"X-Version: 1\t2"], "main"),
        ([b"Y: x-version: 1"], "main"),
        ([b"Y: a\tx-version: 1"], "main"),
        ([b"Y: \xe9x-version: 1"], "main"),
        ([b"Y-X-Version: 1"], "main"),
        ([b"Y: *api.1.0|x-version||hello.localhost|hx-version"], "main"),
        ([b"X-Version: 1", b"Y: " + 1500 * b"x-version: 2~"], "v1"),
    ],
)
def test_the_last_header_of_a_name_decides_and_nothing_else_is_one(
    chooser: Site, headers: Sequence[bytes], label: str
) -> None:
    version = Condition(ConditionKind.HEADER, "1", "x-version")
    gates.put(chooser, lead("/", "main"), lead("/", "v1", when=version))
    answer = send_lines(chooser, *headers)
    assert gates.label_of(answer) == label
    assert answer.headers["vary"] == "x-version"


@pytest.mark.parametrize(
    ("headers", "label"),
    [
        ([b"Cookie: session=1"], "v1"),
        ([b"Cookie:session=1"], "v1"),
        ([b"Cookie: a=b; session=1; c=d"], "v1"),
        ([b"Cookie: a=b;session=1;c=d"], "v1"),
        ([b"Cookie: a=b;  session=1"], "v1"),
        ([b"Cookie: session=2; session=1"], "v1"),
        ([b"Cookie: session=1; session=2"], "main"),
        ([b"Cookie: session=1; session="], "main"),
        ([b"Cookie: a=b", b"Cookie: session=1"], "v1"),
        ([b"Cookie: session=1", b"Cookie: a=b"], "main"),
        ([b"Cookie: session=1", b"X-Cookie: session=2"], "v1"),
        ([b"X-Cookie: session=1"], "main"),
        ([b"X: cookie: session=1"], "main"),
        ([b"Session: 1"], "main"),
        ([b"Cookie: xsession=1"], "main"),
        ([b"Cookie: Session=1"], "main"),
        ([b"Cookie: session=11"], "main"),
        ([b"Cookie: session=1 ; a=b"], "main"),
        ([b"Cookie: session=1\t; a=b"], "main"),
        ([b"Cookie: session=1\xe9"], "main"),
        ([b'Cookie: session="1"'], "main"),
        ([b'Cookie: a="b; session=1'], "v1"),
    ],
)
def test_the_last_cookie_of_the_last_header_decides_and_nothing_else_is_one(
    chooser: Site, headers: Sequence[bytes], label: str
) -> None:
    session = Condition(ConditionKind.COOKIE, "1", "session")
    gates.put(chooser, lead("/", "main"), lead("/", "v1", when=session))
    answer = send_lines(chooser, *headers)
    assert gates.label_of(answer) == label
    assert answer.headers["vary"] == "cookie"


@pytest.mark.parametrize(
    ("headers", "label"),
    [
        ([b"Cookie: prevs-lot=4999"], "v1"),
        ([b"Cookie: prevs-lot=5000"], "main"),
        ([b"Cookie: a=b;prevs-lot=0000; c=d"], "v1"),
        ([b"Cookie: prevs-lot=9999; prevs-lot=0000"], "v1"),
        ([b"Cookie: prevs-lot=x; prevs-lot=0000"], "v1"),
        ([b"Cookie: prevs-lot=9999", b"Cookie: prevs-lot=0000"], "v1"),
        ([b"Cookie: prevs-lot=0000", b"Cookie: a=b"], None),
        ([b"Cookie: prevs-lot=0000; prevs-lot=x"], None),
        ([b"Cookie: prevs-lot=00000"], None),
        ([b"Cookie: prevs-lot=000"], None),
        ([b"Cookie: prevs-lot=0000 ; a=b"], None),
        ([b"Cookie: xprevs-lot=0000"], None),
        ([b"X: @api.1.0|cookie||hello.localhost|"], None),
        ([b"Cookie: prevs-lot=0000", b"X: @api.1.0|cookie||hello.localhost|"], "v1"),
        ([], None),
    ],
)
def test_a_lot_of_four_digits_in_a_cookie_decides_and_any_other_is_drawn_anew(
    chooser: Site, headers: Sequence[bytes], label: str | None
) -> None:
    half = (Target("main", 5000), Target("v1", 5000))
    gates.put(chooser, Rule("/", half, sticky=Sticky.COOKIE))
    answer = send_lines(chooser, *headers)
    assert ("set-cookie" in answer.headers) == (label is None)
    assert gates.label_of(answer) in ([label] if label else ["main", "v1"])
    assert answer.headers["vary"] == "cookie"


@pytest.mark.parametrize(
    ("line", "label"),
    [
        (b"GET / HTTP/1.0", "main"),
        (b"GET /?v=1 HTTP/1.0", "v1"),
        (b"GET /x?w=1&v=1 HTTP/1.0", "v1"),
        (b"GET /?v=1&v=2 HTTP/1.0", "v1"),
        (b"GET /?v=2&v=1 HTTP/1.0", "main"),
        (b"GET /?w=?v=1 HTTP/1.0", "main"),
        (b"GET /v=1 HTTP/1.0", "main"),
        (b"PUT / HTTP/1.0", "pr-7"),
        (b"PUT /?v=1 HTTP/1.0", "pr-7"),
        (b"OPTIONS * HTTP/1.0", "pr-8"),
    ],
)
def test_the_method_decides_before_the_first_parameter_of_a_name(
    chooser: Site, line: bytes, label: str
) -> None:
    rules = [
        lead("/", "main"),
        lead("/", "pr-7", when=Condition(ConditionKind.METHOD, "PUT")),
        lead("/", "pr-8", when=Condition(ConditionKind.METHOD, "OPTIONS")),
        lead("/", "v1", when=Condition(ConditionKind.QUERY, "1", "v")),
    ]
    gates.put(chooser, *rules)
    answer = send_lines(chooser, b"Y: ?v=1", line=line)
    assert gates.label_of(answer) == label


@pytest.mark.parametrize(
    ("url", "label"),
    [
        (b"/?v.~=1", "v1"),
        (b"/x?w=1&v.~=1", "v1"),
        (b"/?v.~=1&v.~=2", "v1"),
        (b"/?v.~=2&v.~=1", "main"),
        (b"/?v.~=1&w=2", "v1"),
        (b"/?v.~=1&", "v1"),
        (b"/?&v.~=1", "v1"),
        (b"/?v.~=1?", "main"),
        (b"/?v.~=", "main"),
        (b"/?v.~", "main"),
        (b"/?w=?v.~=1", "main"),
        (b"/?w?v.~=1", "main"),
        (b"/?xv.~=1", "main"),
        (b"/?vx~=1", "main"),
        (b"/v.~=1", "main"),
        (b"/&v.~=1", "main"),
        (b"/?v.~=11", "main"),
        (b"/?v.~=%31", "main"),
        (b"/?V.~=1", "main"),
        (b"/?v.~=1|", "main"),
        (b"/?w=|qv.~&v.~=1", "v1"),
        pytest.param(b"/?" + 1500 * b"v.~&" + b"v.~=1", "v1", id="long"),
    ],
)
def test_the_first_parameter_of_a_name_decides_and_nothing_else_is_one(
    chooser: Site, url: bytes, label: str
) -> None:
    version = Condition(ConditionKind.QUERY, "1", "v.~")
    gates.put(chooser, lead("/", "main"), lead("/", "v1", when=version))
    answer = send_lines(chooser, b"Referer: /?v.~=1", line=b"GET " + url + b" HTTP/1.0")
    assert gates.label_of(answer) == label


@pytest.mark.parametrize(
    ("headers", "label"),
    [
        ([b"Accept: application/vnd.v2+json"], "v1"),
        ([b"Accept: application/VND.V2+JSON"], "v1"),
        ([b"Accept: text/html, application/vnd.v2+json;q=1"], "v1"),
        ([b"Accept: application/vnd.v2+json\t, */*"], "v1"),
        ([b"Accept: application/vnd.v2+json, application/vnd.other"], "v1"),
        ([b"Accept: application/vnd.other, application/vnd.v2+json"], "main"),
        ([b"Accept: application/vnd.v2+json+x"], "main"),
        ([b"Accept: application/vnd., application/vnd.v2+json"], "main"),
        ([b"Accept: application/v2+json"], "main"),
        ([b"Accept: */*", b"Accept: application/vnd.v2+json"], "v1"),
        ([b"Accept: application/vnd.v2+json", b"Accept: */*"], "main"),
        ([b"X-Accept: application/vnd.v2+json"], "main"),
        ([b"Accept: */*", b"Y: vnd.v2+json"], "main"),
        ([b"Accept:"], "main"),
        ([], "main"),
    ],
)
def test_the_first_version_of_the_last_accept_decides_in_capitals_or_not(
    chooser: Site, headers: Sequence[bytes], label: str
) -> None:
    version = Condition(ConditionKind.ACCEPT, "v2+json")
    gates.put(chooser, lead("/", "main"), lead("/", "v1", when=version))
    answer = send_lines(chooser, *headers)
    assert gates.label_of(answer) == label
    assert answer.headers["vary"] == "accept"


@pytest.mark.parametrize(
    ("headers", "label"),
    [
        ([], "main"),
        ([b"Connection: close"], "main"),
        ([b"X-Prevs-Ref: cart"], "main"),
        ([b"X-Prevs-Stack: cart"], "v1"),
        ([b"X-Prevs-Stack:"], "main"),
        ([b"X-Prevs-Stack: gone"], "main"),
        ([b"Baggage: prevs-stack=cart"], "v1"),
        ([b"Baggage: a=b", b"Baggage: a=b,prevs-stack=cart"], "v1"),
        ([b"Baggage: a=b"], "main"),
        ([b"Baggage: $api.1.0|a|"], "main"),
        ([b"X-Baggage: prevs-stack=cart"], "main"),
        ([b"Y: baggage: prevs-stack=cart"], "main"),
    ],
)
def test_a_header_that_names_a_variant_decides_and_nothing_else_does(
    chooser: Site, headers: Sequence[bytes], label: str
) -> None:
    gates.put(chooser, lead("/", "main"), variants={"cart": "v1"})
    answer = send_lines(chooser, *headers)
    assert gates.label_of(answer) == label
    assert answer.headers["vary"] == "baggage,x-prevs-stack"


@pytest.mark.parametrize(
    ("headers", "label"),
    [([b"X-Version: 1"], "v1"), ([b"X-Version: 2"], None), ([b"X-Version:"], "main"), ([], "main")],
)
def test_an_unknown_version_is_refused_where_one_header_decides(
    chooser: Site, headers: Sequence[bytes], label: str | None
) -> None:
    rules = [
        lead("/", "main"),
        lead("/", "v1", when=Condition(ConditionKind.HEADER, "1", "x-version")),
    ]
    gates.put(chooser, *rules, refuses_unknown=True)
    answer = send_lines(chooser, *headers)
    assert (gates.label_of(answer), answer.status == 400) == (label, label is None)


def send_lines(site: Site, *headers: bytes, line: bytes = b"GET / HTTP/1.0") -> Answer:
    """Send the gate a request with these lines."""
    lines = (line, *headers, b"Host: " + gates.HOST.encode(), b"", b"")
    return site.proxy.send(b"\r\n".join(lines))


@settings(
    max_examples=REVISIONS_TRIED,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(revision=REVISIONS, requests=st.lists(REQUESTS, min_size=1, max_size=REQUESTS_EACH))
def test_haproxy_chooses_as_the_rules_say(
    chooser: Site, revision: Revision, requests: list[Request]
) -> None:
    numbered = dataclasses.replace(revision, number=next(_NUMBERS))
    gates.write(chooser, GateRecord("api", "hello", numbered))
    connection = http.client.HTTPConnection("127.0.0.1", chooser.proxy.port, timeout=60)
    try:
        for request in requests:
            is_open = request.variant in revision.variants
            asked = request if is_open else request._replace(variant="")
            check(numbered, asked, send(connection, asked))
    finally:
        connection.close()
