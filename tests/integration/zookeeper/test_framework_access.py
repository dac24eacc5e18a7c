"""Who may look at an app's previews, in a real ZooKeeper, across leaders with other tokens."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest
from kazoo.client import KazooClient

from prevs.access import AccessRecord
from prevs.paths import Paths
from prevs.signatures import derive_key, derive_pass_key, is_access_signed
from program.passes.passes import read_pass
from program.settings.keys import new_key
from tests.fakes.program import TOKEN, OwnRoot, Program
from tests.waits import wait_for

pytestmark = pytest.mark.integration

PATH, OF_PROXIES = "/v1/apps/hello", "a-token-of-proxies"
ENTRY = {"password": "correct horse", "client": "203.0.113.7"}


def stored(client: KazooClient, paths: Paths, is_right: Callable[[AccessRecord], bool]) -> bytes:
    """Return the stored record once it is right."""
    return wait_for(
        lambda: client.get(paths.app_access("hello"))[0],
        lambda data: is_right(AccessRecord.decode(data)),
        "the record of who may look is right",
    )


def issue(program: Program) -> str:
    answer = program.request("POST", f"{PATH}/passes", json={"kind": "share", "label": "main"})
    assert answer.status_code == 201
    return str(answer.json()["text"])


def test_leaders_with_other_tokens_keep_apps_closed_and_trust_no_stranger(
    own: OwnRoot, client: KazooClient, paths: Paths, tmp_path: Path
) -> None:
    keys, tokens = tmp_path / "keys", tmp_path / "proxies"
    keys.write_text(new_key())
    tokens.write_text(OF_PROXIES)
    first = own.program(KEY_FILE=str(keys))
    first.run()
    first.add_app("/srv/hello")
    order = {"access": "password", "password": ENTRY["password"]}
    assert first.request("PUT", f"{PATH}/access", json=order).status_code == 200
    found = read_pass([derive_pass_key(TOKEN)], issue(first))
    assert found is not None
    assert first.end() == 0

    second = own.program(KEY_FILE=str(keys), PROXY_TOKEN_FILE=str(tokens))
    second.run()
    signed = stored(client, paths, lambda one: is_access_signed([derive_key(OF_PROXIES)], one))
    record = AccessRecord.decode(signed)
    assert (record.era, list(record.passes)) == (found.era, [found.id])
    assert read_pass([derive_pass_key(OF_PROXIES)], issue(second)) is not None
    assert second.request("POST", f"{PATH}/entries", json=ENTRY).status_code == 204
    assert second.end() == 0

    # A stranger's record counts for nothing, is kept and named; the next order replaces it.
    forged = dataclasses.replace(record, era=0).encode()
    client.set(paths.app_access("hello"), forged)
    third = own.program(KEY_FILE=str(keys), PROXY_TOKEN_FILE=str(tokens))
    third.run()
    [refused] = third.request("GET", "/v1/signatures").json()["refused"]
    assert (refused["kind"], refused["name"]) == ("access", "hello")
    assert client.get(paths.app_access("hello"))[0] == forged
    assert third.request("PUT", f"{PATH}/access", json=order).status_code == 200
    again = stored(client, paths, lambda one: is_access_signed([derive_key(OF_PROXIES)], one))
    closed = AccessRecord.decode(again)
    assert (closed.access, closed.era > record.era, closed.passes) == (record.access, True, {})
    assert third.request("GET", "/v1/signatures").json() == {"refused": []}
    assert third.request("DELETE", PATH).status_code == 204
    wait_for(lambda: client.exists(paths.app_access("hello")), lambda one: one is None, "gone")
    assert third.end() == 0
