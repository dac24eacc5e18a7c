"""Gates at a real HAProxy: what works at an ordinary address works behind one."""

import dataclasses
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from playwright.sync_api import Page, expect

from prevs.gates import Condition, ConditionKind, Override, Rule, Sticky, Target
from tests.fakes.access import make_pass
from tests.fakes.placements import OTHER_SHA, SHA, placement
from tests.fakes.signed_gates import lead
from tests.integration.haproxy import gates, guarding
from tests.integration.haproxy.gates import HOST, label_of
from tests.integration.haproxy.lots import find_lot
from tests.integration.haproxy.proxies import BROWSER, Answer, Site, upstream
from tests.waits import wait_until

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

VERSION = Condition(ConditionKind.HEADER, "1", "x-version")


@pytest.fixture
def removed(site: Site) -> Iterator[None]:
    """No gate is left behind."""
    yield
    gates.remove(site)


def ask(site: Site, path: str = "/", host: str = HOST, **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return site.proxy.request(host, path, headers=named)


@pytest.mark.usefixtures("labels")
def test_paths_and_headers_lead_to_labels_at_every_host_of_the_gate(site: Site) -> None:
    rules = (lead("/", "main"), lead("/v1", "v1"), lead("/", "pr-7", when=VERSION))
    gates.put(site, *rules, hosts=("api.example.com", "v1.hello.localhost"))
    for host in (HOST, "API.example.com.", "api.example.com"):
        assert label_of(ask(site, "/v1/x", host)) == "v1"
        assert label_of(ask(site, "/v10", host)) == "main"
        assert label_of(ask(site, "/", host, X_Version="1")) == "pr-7"
        assert ask(site, "/", host).headers["vary"] == "x-version"
        assert "vary" not in ask(site, "/v1", host).headers
    ordinary = ask(site, "/", "v1.hello.localhost", X_Version="1")
    assert label_of(ordinary) == "v1"
    assert "vary" not in ordinary.headers


@pytest.mark.usefixtures("labels")
def test_what_the_application_gets_is_as_it_was_sent(site: Site) -> None:
    gates.put(site, lead("/v1", "v1"), lead("/", "main"), override=(Override.HEADER,))
    answer = ask(site, "/v1/a?b=c", X_Prevs_Ref="pr-7")
    assert label_of(answer) == "pr-7"
    assert answer.body == b"app GET /v1/a?b=c 0"
    forged = ask(site, X_Prevs_Host="pr-7.hello.localhost", X_Prevs_Refusal="no-rule")
    assert label_of(forged) == "main"


@pytest.mark.usefixtures("labels")
def test_what_has_no_version_is_refused_with_the_reason(site: Site) -> None:
    rules = (lead("/", "main"), lead("/", "v1", when=VERSION), lead("/only", "v1", when=VERSION))
    gates.put(site, *rules, refuses_unknown=True, override=(Override.QUERY,))
    unknown = ask(site, X_Version="3")
    assert unknown.status == 400
    assert b"unknown-version" in unknown.body
    assert b"header x-version" in unknown.body
    assert unknown.headers["vary"] == "x-version"
    invalid = ask(site, "/?prevs-ref=Feature/x", **BROWSER)
    assert invalid.status == 400
    assert b"This cannot be a version" in invalid.body
    assert label_of(ask(site, X_Version="1")) == "v1"
    assert ask(site, "/", "other.localhost").status == 404
    gates.put(site, lead("/v1", "v1"))
    nowhere = ask(site, "/v2")
    assert (nowhere.status, b"no-rule" in nowhere.body) == (404, True)


@pytest.mark.usefixtures("labels")
def test_a_lot_stays_with_a_client_that_keeps_its_cookie(site: Site) -> None:
    half = (Target("main", 5000), Target("v1", 5000))
    gates.put(site, Rule("/", half, sticky=Sticky.COOKIE))
    seen = set()
    for _ in range(20):
        first = ask(site)
        given = first.headers["set-cookie"]
        lot = re.fullmatch(
            "prevs-lot=([0-9]{4}); Path=/; Max-Age=31536000; HttpOnly; SameSite=Lax", given
        )
        assert lot, given
        assert label_of(first) == ("v1" if int(lot[1]) < 5000 else "main")
        again = ask(site, Cookie=f"a=b; prevs-lot={lot[1]}")
        assert label_of(again) == label_of(first)
        assert "set-cookie" not in again.headers
        seen.add(label_of(first))
    assert seen == {"main", "v1"}
    gates.put(site, Rule("/", half))
    chosen = {label_of(ask(site)) for _ in range(5)}
    assert len(chosen) == 1
    assert ask(site).headers["vary"] == "*"


@pytest.mark.usefixtures("labels")
def test_a_condition_whose_lots_have_gone_leads_nowhere(site: Site) -> None:
    half = (Target("main", 5000), Target("v1", 5000))
    gates.put(site, lead("/", "main"), Rule("/", half, VERSION))
    # As while another revision comes in force.
    assert site.proxy.tell(f"clear map {site.proxy.folder / 'gate-lots.map'}") == "\n"
    answer = ask(site, X_Version="1")
    assert (answer.status, b"no-rule" in answer.body) == (404, True)
    gates.put(site, lead("/", "v1"))
    assert label_of(ask(site)) == "v1"


@pytest.mark.usefixtures("labels")
def test_a_haproxy_that_starts_has_the_gates(site: Site) -> None:
    gates.put(site, lead("/", "main"), lead("/", "v1", when=VERSION))
    site.restart()
    assert label_of(ask(site, X_Version="1")) == "v1"
    assert label_of(ask(site)) == "main"


@pytest.mark.usefixtures("labels")
def test_a_replaced_haproxy_chooses_by_the_rules_of_now(site: Site) -> None:
    gates.put(site, lead("/", "main"))
    old = site.proxy.connect(6)
    before = site.proxy.haproxy
    site.restart()
    assert site.proxy.haproxy != before
    half = (Target("main", 0), Target("pr-8", 5000), Target("pr-9", 5000))
    named = Condition(ConditionKind.QUERY, "2", "v")
    rules = [
        *(lead("/", "v1"), lead("/", "pr-7", when=VERSION), Rule("/", half, named, Sticky.COOKIE)),
        Rule("/w", half),
    ]
    gates.put(site, *rules, override=(Override.HEADER,), refuses_unknown=True)
    vary = "cookie,x-prevs-ref,x-version"
    by_address = "pr-8" if find_lot("127.0.0.1") < 5000 else "pr-9"
    asked: list[tuple[str, dict[str, str], str | None, str]] = [
        ("/", {}, "v1", vary),
        ("/a", {"X-Version": "1"}, "pr-7", vary),
        ("/?v=2", {"Cookie": "prevs-lot=7000"}, "pr-9", vary),
        ("/", {"X-Prevs-Ref": "main"}, "main", vary),
        ("/w", {}, by_address, "*"),
        ("/", {"X-Version": "3"}, None, vary),
    ]
    for path, headers, label, varies in asked:
        answer = old.ask(HOST, path, headers)
        assert label_of(answer) == label
        assert answer.headers["vary"] == varies
        assert (b"header x-version" in answer.body) == (label is None)


@pytest.mark.usefixtures("removed")
def test_a_request_to_a_stopped_target_is_held_and_a_browser_gets_its_page(site: Site) -> None:
    site.world.add("hello", "main", SHA)
    gates.put(site, lead("/api", "main"), lead("/", "nope"))
    with upstream("one") as one, ThreadPoolExecutor() as pool:
        held = pool.submit(site.proxy.request, HOST, "/api/x", method="POST", body=b"abc")
        site.run("hello", SHA, one.port, "main")
        answer = held.result(60)
        assert (answer.status, answer.body) == (200, b"one POST /api/x 3")
        assert site.proxy.request(HOST, "/api/x").body == b"one GET /api/x 0"
    site.route("hello", {})
    page = ask(site, "/api/x", **BROWSER).body.decode()
    assert 'data-ref="main"' in page
    token = re.search(r'data-token="([^"]+)"', page)
    assert token
    own = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
    form = f"token={token[1]}&sha={SHA}".encode()
    renewed = site.proxy.request(
        HOST, "/_prevs/token?prevs-ref=main", method="POST", body=form, headers=own
    )
    assert renewed.status == 200
    unknown = ask(site, "/", **BROWSER)
    assert unknown.status == 404
    assert b"There is no such version" in unknown.body


@pytest.mark.usefixtures("removed")
def test_a_visitor_of_a_gate_waits_on_the_page_of_the_label_that_the_path_leads_to(
    site: Site, page: Page
) -> None:
    site.world.add("hello", "main", OTHER_SHA)
    site.world.add("hello", "v1", SHA)
    gates.put(site, lead("/", "main"), lead("/v1", "v1"))
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"http://{HOST}:{site.proxy.port}/v1/a?x=1")
    expect(page.get_by_role("heading", name="v1")).to_be_visible()
    expect(page.locator("#sentence")).to_have_text("Waiting for a place to run.")
    site.world.move("hello", SHA, "queued", reason="There is no room.")
    expect(page.locator("#reason")).to_have_text("There is no room.")
    with upstream("one") as one:
        site.run("hello", SHA, one.port, "v1")
        expect(page.get_by_role("heading", name="one GET /v1/a?x=1 0")).to_be_visible()
    own = [url for url in asked if "/_prevs/" in url]
    assert own
    assert all("prevs-ref=v1" in url for url in own), own
    assert set(site.world.previews) == {("hello", SHA)}


@pytest.mark.usefixtures("removed")
def test_a_refused_request_behind_a_gate_is_held_and_then_sent(
    site: Site, free_port: Callable[[], int]
) -> None:
    port = free_port()
    site.world.add("hello", "main", SHA)
    site.world.start("hello", "main")
    gates.put(site, lead("/", "main"))
    placed = placement("hello", SHA, port, "main")
    site.route("hello", {SHA: placed})
    site.world.move("hello", SHA, "running", task_id=placed.task_id, phase="running")
    with ThreadPoolExecutor() as pool:
        held = pool.submit(site.proxy.request, HOST, "/x", method="POST", body=b"abc")
        wait_until(lambda: site.world.refused)
        with upstream("one", port=port):
            assert held.result(60).body == b"one POST /x 3"


@pytest.mark.usefixtures("removed")
def test_a_guarded_app_behind_a_gate_lets_in_who_has_a_pass_for_it(site: Site) -> None:
    with guarding.shop(site):
        gates.put(site, lead("/v1", "nope"), lead("/", "main"), app="shop", refuses_unknown=True)
        for path in ("/", "/v1", "/_prevs/", "/_prevs/log"):
            assert site.proxy.request(HOST, path).status == 401
            assert b"pass-needed" in site.proxy.request(HOST, path).body
        entered = ask(site, "/a", **BROWSER)
        assert (entered.status, entered.headers["location"]) == (303, "/_prevs/enter?to=%2Fa")
        to_sign_in = ask(site, "/_prevs/enter?to=%2Fa", **BROWSER)
        assert to_sign_in.status == 303
        assert "on=api.localhost" in to_sign_in.headers["location"]
        good = guarding.cookie(make_pass("shop", HOST))
        answer = site.proxy.request(HOST, "/a", headers=good)
        assert answer.body == b"shop GET /a 0"
        other = guarding.cookie(make_pass("shop", "other.localhost"))
        assert site.proxy.request(HOST, "/a", headers=other).status == 401
        # It is for the gate, not for the addresses behind it.
        assert site.proxy.request(guarding.HOST, "/a", headers=good).status == 401


@pytest.mark.usefixtures("removed")
def test_a_record_that_the_framework_has_not_signed_leads_nobody_anywhere(site: Site) -> None:
    with gates.labelled(site):
        record = gates.put(site, lead("/", "main"))
        switched = dataclasses.replace(
            record, revision=dataclasses.replace(record.revision, rules=(lead("/", "v1"),))
        )
        site.tree.client.set(site.tree.paths.gate("api"), switched.encode())
        wait_until(lambda: "the record of a gate is invalid" in site.proxy.log.read_text())
        assert label_of(ask(site)) == "main"
