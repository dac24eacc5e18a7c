"""Gates at a proxy of the tests, written as the framework does."""

import contextlib
import itertools
from collections.abc import Iterator, Mapping
from typing import Any

from kazoo.exceptions import NoNodeError

from prevs.gates import GateRecord, Rule
from tests.fakes.placements import placement
from tests.fakes.signed_gates import make_gate, sign
from tests.integration.haproxy.proxies import Answer, Site, upstream
from tests.waits import wait_until

HOST = "api.localhost"
LABELS = ("main", "v1", "pr-7", "pr-8", "pr-9")
_NUMBERS = itertools.count(1)


def sha_of(label: str) -> str:
    """Return the commit of one of LABELS."""
    return f"{LABELS.index(label) + 1:040x}"


@contextlib.contextmanager
def labelled(site: Site) -> Iterator[None]:
    """Run an app whose labels are LABELS, each of a commit of its own."""
    with upstream("app") as app:
        found = {sha_of(one): placement("hello", sha_of(one), app.port, one) for one in LABELS}
        site.route("hello", found)
        yield
        remove(site)


def label_of(answer: Answer) -> str | None:
    """Return the label whose task has answered; None if no task has."""
    task = answer.headers.get("x-prevs-task")
    return next((one for one in LABELS if task and task.split(".")[1] == sha_of(one)), None)


def put(site: Site, *rules: Rule, **more: Any) -> GateRecord:
    """Write a gate, and wait until it is in force."""
    return write(site, make_gate(*rules, number=next(_NUMBERS), **more))


def write(site: Site, record: GateRecord) -> GateRecord:
    """Write a gate's record, and wait until it is in force."""
    client, path = site.tree.client, site.tree.paths.gate(record.name)
    client.ensure_path(site.tree.paths.gates)
    data = sign(record)
    try:
        client.set(path, data)
    except NoNodeError:
        client.create(path, data)
    wait_in_force(site, {record.name: record.revision.number})
    return record


def wait_in_force(site: Site, wanted: Mapping[str, int]) -> None:
    """Wait until the proxy has reported these revisions of gates."""
    wait_until(
        lambda: any(wanted.items() <= one.gates.items() for one in site.tree.records()),
        f"{wanted} are in force",
        over=site.proxy.ended,
        instead=site.proxy.log.read_text,
    )


def remove(site: Site) -> None:
    """Remove all gates."""
    client, paths = site.tree.client, site.tree.paths
    with contextlib.suppress(NoNodeError):
        for name in client.get_children(paths.gates):
            client.delete(paths.gate(name))
    wait_until(
        lambda: not any(one.gates for one in site.tree.records()),
        "no gate is in force",
        over=site.proxy.ended,
    )
