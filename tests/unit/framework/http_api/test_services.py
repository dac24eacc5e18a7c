"""Addresses of services in the API: what starts at one, where it leads, and how it is shown."""

import httpx
import pytest

from framework.apps.commit_files import RepositoryFile
from prevs import names
from prevs.commit_settings import CommitSettings, RunSettings
from prevs.companions import Companion
from prevs.service_names import service_labels
from prevs.states import State
from tests.fakes.asgi import ApiInProcess, refusal

SHA, OTHER = "5c80e7d1" + "0" * 32, "b" * 40
SETTINGS = CommitSettings(
    run=RunSettings(companions=(Companion("db"), Companion("result", port=8081)))
)
FILE = b"""\
resources = { cpus = 0.05, mem = 64 }
companions.result = { image = "result:1", port = 8081, cpus = 0.05, mem = 64 }
"""


@pytest.fixture
def shop(api: ApiInProcess) -> ApiInProcess:
    """An app of which nothing was requested yet; its branch has a service."""
    api.refs.put("hello", "main", SHA)
    api.refs.files["hello", SHA, ".prevs.toml"] = RepositoryFile("file", len(FILE), FILE)
    return api


def start(api: ApiInProcess, label: str) -> httpx.Response:
    return api.call("POST", "/v1/previews", json={"app": "hello", "label": label})


def test_a_visit_to_a_service_starts_its_preview(shop: ApiInProcess) -> None:
    started = start(shop, "result--main")
    assert (started.status_code, started.json()["labels"]) == (202, ["main"])
    assert started.json()["sha"] == SHA


def test_a_service_that_a_commit_does_not_have_starts_nothing(shop: ApiInProcess) -> None:
    answer = start(shop, "nope--main")
    assert refusal(answer) == (404, "unknown-label")
    assert answer.json()["detail"] == (
        "'nope--main' leads to no commit of 'hello': there is no such branch or tag, and no "
        "service 'nope' that visitors reach: those of 5c80e7d are result. `port` in a "
        "[companions.NAME] makes one."
    )
    assert refusal(start(shop, "result--nope")) == (404, "unknown-label")
    assert shop.previews.snapshot.list_previews() == []


def test_a_branch_of_that_name_comes_before_a_service_that_nobody_knows(
    shop: ApiInProcess,
) -> None:
    shop.refs.put("hello", "result--main", OTHER)
    assert start(shop, "result--main").json()["sha"] == OTHER


def test_the_service_of_a_known_preview_needs_no_look_at_the_repository(
    shop: ApiInProcess,
) -> None:
    shop.previews.put("hello", SHA, State.STOPPED, labels=("main",), settings=SETTINGS)
    shop.refs.put("hello", "result--main", OTHER)
    assert start(shop, "result--main").json()["sha"] == SHA
    shop.previews.put("hello", OTHER, State.STOPPED, labels=("result--main",))
    assert start(shop, "result--main").json()["sha"] == OTHER, "it holds the label"


@pytest.mark.parametrize("is_known", [True, False])
def test_a_cut_label_behind_a_service_starts_the_commit_of_the_whole_one(
    shop: ApiInProcess, is_known: bool
) -> None:
    long = "feature-" + "x" * 45 + "-0bef4359"
    shop.refs.put("hello", long, SHA)
    if is_known:
        shop.previews.put("hello", SHA, State.STOPPED, labels=(long,), settings=SETTINGS)
    for cut in service_labels("result", long, "hello"):
        assert names.split_host(f"{cut}--hello.a.org", "a.org") == (cut, "hello")
        assert start(shop, cut).json()["labels"] == [long]


def test_a_label_of_a_service_leads_to_its_commit_and_its_address(shop: ApiInProcess) -> None:
    lead = shop.call("GET", "/v1/apps/hello/labels/result--main").json()
    assert (lead["label"], lead["sha"]) == ("main", SHA)
    assert lead["url"] == "http://result--main.hello.localhost:8080/"


def test_a_preview_is_shown_with_the_addresses_of_its_services(shop: ApiInProcess) -> None:
    shop.previews.put("hello", SHA, State.RUNNING, labels=("v1", "main"), settings=SETTINGS)
    expected = [{"name": "result", "url": "http://result--main.hello.localhost:8080/"}]
    assert shop.call("GET", f"/v1/previews/hello/{SHA}").json()["services"] == expected
    instance = {"labels": ("v--cart",), "instance": "v--cart", "built_from": SHA}
    shop.previews.put("hello", OTHER, State.RUNNING, settings=SETTINGS, **instance)
    (shown,) = shop.call("GET", f"/v1/previews/hello/{OTHER}").json()["services"]
    assert shown["url"] == "http://result--v--cart.hello.localhost:8080/"
