"""A closed app: a framework and a proxy together, from the first password to the end of an era."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest

from prevs.paths import Paths
from tests.conftest import Mesos
from tests.fakes.program import Program
from tests.integration.haproxy.proxies import Answer, Proxy
from tests.integration.zookeeper import wholes
from tests.integration.zookeeper.wholes import APP, HOST, Visitor, is_refused
from tests.waits import wait_until

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]


@pytest.fixture
def whole(
    mesos: Mesos, zookeeper: str, paths: Paths, tmp_path: Path
) -> Iterator[tuple[Program, Proxy]]:
    """A framework whose app hello runs, and a proxy."""
    with wholes.running(mesos, zookeeper, paths, tmp_path) as (program, proxy):
        program.wait_state(program.order(), "running")
        yield program, proxy


def enter(visitor: Visitor, password: str) -> Answer:
    """Go to the preview, and enter a password where that leads."""
    form = visitor.enter_at()
    fields = dict(parse_qsl(urlsplit(form).query))
    answer = visitor.post(form, password=password, **fields)
    return visitor.go(answer.headers["location"]) if answer.status == 303 else answer


def issue(program: Program, **order: str) -> Mapping[str, str]:
    answer = program.request("POST", f"{APP}/passes", json=order)
    assert answer.status_code == 201
    made: Mapping[str, str] = answer.json()
    return made


def test_an_app_is_closed_entered_shared_and_ended(whole: tuple[Program, Proxy]) -> None:
    program, proxy = whole
    person, guest = Visitor(proxy), Visitor(proxy)
    assert not is_refused(proxy)
    order = {"access": "password", "password": "correct horse"}
    assert program.request("PUT", f"{APP}/access", json=order).ok
    wait_until(lambda: is_refused(proxy), "strangers are out", over=proxy.ended)

    assert enter(person, "wrong horse").status == 403
    assert person.is_out()
    assert enter(person, "correct horse").status == 303
    assert not person.is_out()

    link, machine = issue(program, kind="share", label="main"), issue(program, kind="machine")
    sent = {"X-Prevs-Access": machine["text"]}
    wait_until(lambda: not is_refused(proxy, **sent), "the pass opens", over=proxy.ended)
    shared = urlsplit(link["link"])._replace(netloc=f"{HOST}:{proxy.port}").geturl()
    assert guest.go(shared).status == 303
    assert not guest.is_out()

    assert program.request("DELETE", f"{APP}/passes/{link['id']}").ok
    wait_until(guest.is_out, "the link is revoked", over=proxy.ended)
    assert not person.is_out()
    assert not is_refused(proxy, **sent)

    assert program.request("POST", f"{APP}/access/end").ok
    wait_until(person.is_out, "everybody is out", over=proxy.ended)
    assert is_refused(proxy, **sent)
    assert enter(person, "correct horse").status == 303
    assert not person.is_out()
    assert program.request("PUT", f"{APP}/access", json={"access": "public"}).ok
    wait_until(lambda: not is_refused(proxy), "it is open", over=proxy.ended)
