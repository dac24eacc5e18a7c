"""Applications of the usual kinds, each built, started and used in a browser."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from docker.api import APIClient
from playwright.sync_api import BrowserContext, expect

from tests import applications
from tests.chromium import Chromium
from tests.e2e.conftest import Api, Cluster
from tests.e2e.viewers import address, see, viewing
from tests.fakes.samples import SampleRepository

pytestmark = [pytest.mark.e2e, pytest.mark.night, pytest.mark.timeout(900)]  # makes their bases


@pytest.fixture(scope="module", autouse=True)
def base(docker_host: str) -> Iterator[None]:
    client = APIClient(base_url=docker_host, timeout=300)
    with contextlib.closing(client) as docker, applications.base_image(docker):
        yield


@pytest.fixture
def repository(
    request: pytest.FixtureRequest, api: Api, tmp_path: Path
) -> Iterator[SampleRepository]:
    """The repository of the application that a test names, registered under that name."""
    name, settings = request.param
    made = applications.make_repository(name, tmp_path / name)
    app = {"name": f"app-{name}", "repository": str(made.folder), **settings}
    api.add(app)
    yield made
    api.call("DELETE", f"/v1/apps/app-{name}")


@pytest.fixture
def desk(browser: Chromium) -> Iterator[BrowserContext]:
    with viewing(browser) as context:
        yield context


def application(name: str, **settings: object) -> pytest.MarkDecorator:
    """Use an application as a test's `repository`, with some settings of its app."""
    return pytest.mark.parametrize("repository", [(name, settings)], indirect=True, ids=[name])


@application("flask")
def test_flask(repository: SampleRepository, desk: BrowserContext, cluster: Cluster) -> None:
    page = desk.new_page()
    page.goto(address(cluster, "main", "app-flask"))
    see(page, page.get_by_role("heading", name="Guests of main", exact=True))
    page.get_by_label("Name").fill("Ada")
    page.get_by_role("button", name="Sign").click()
    expect(page.get_by_role("listitem")).to_have_text(["Ada"])
    assert page.url == address(cluster, "main", "app-flask")

    page.goto(address(cluster, "main", "app-flask", "/about"))
    about = page.evaluate("JSON.parse(document.body.innerText)")
    assert about == {
        "PREVS_APP": "app-flask",
        "PREVS_COMMIT": repository.git("rev-parse", "main"),
        "PREVS_LABEL": "main",
        "PREVS_URL": address(cluster, "main", "app-flask"),
        "PORT": "5000",
        "GREETING": "Grüß Gott",
        "host": f"main.app-flask.{cluster.domain}:{cluster.port}",
    }


@application("django", mem=256)
def test_django_and_its_database(
    repository: SampleRepository, desk: BrowserContext, cluster: Cluster, api: Api
) -> None:
    page = desk.new_page()
    page.goto(address(cluster, "main", "app-django"))
    see(page, page.get_by_text("Written by a migration"))
    expect(page.get_by_role("listitem")).to_have_text(["Written by a migration"])
    page.get_by_label("Note").fill("Written by hand")
    page.get_by_role("button", name="Add").click()
    expect(page.get_by_role("listitem")).to_have_text(["Written by a migration", "Written by hand"])

    # What is in a volume is there again.
    sha = repository.git("rev-parse", "main")
    agent = api.preview("app-django", sha)["agent"]["host"]
    assert api.call("DELETE", f"/v1/previews/app-django/{sha}").status_code == 202
    api.wait_for("app-django", sha, "stopped")
    page.goto(address(cluster, "main", "app-django"))
    kept = ["Written by a migration", "Written by hand"]
    see(page, page.get_by_text("Written by a migration"))
    expect(page.get_by_role("listitem")).to_have_text(kept)
    assert api.preview("app-django", sha)["agent"]["host"] == agent


@application("node")
def test_node_and_its_websockets(
    repository: SampleRepository, desk: BrowserContext, cluster: Cluster
) -> None:
    ada, bob = desk.new_page(), desk.new_page()
    ada.goto(address(cluster, "main", "app-node"))
    see(ada, ada.get_by_text("Welcome."))
    expect(ada.get_by_role("listitem")).to_have_text(["Welcome."])
    bob.goto(address(cluster, "main", "app-node"))
    expect(bob.get_by_role("listitem")).to_have_text(["Welcome."])
    ada.get_by_label("Message").fill("Hello, Bob")
    ada.get_by_role("button", name="Send").click()
    expect(bob.get_by_role("listitem")).to_have_text(["Welcome.", "Hello, Bob"])


@application("http2")
def test_node_with_http2_only(
    repository: SampleRepository, desk: BrowserContext, cluster: Cluster
) -> None:
    page = desk.new_page()
    page.goto(address(cluster, "main", "app-http2"))
    see(page, page.get_by_role("heading", name="HTTP/2.0", exact=True))


@application("grpc", mem=256)
def test_a_grpc_service_is_called_while_it_is_not_even_built(
    repository: SampleRepository, cluster: Cluster
) -> None:
    options = [("grpc.default_authority", f"main.app-grpc.{cluster.domain}:{cluster.port}")]
    with grpc.insecure_channel(f"127.0.0.1:{cluster.port}", options) as channel:
        greet: grpc.UnaryUnaryMultiCallable[bytes, bytes]
        greet = channel.unary_unary("/Greeter/Greet", bytes, bytes)
        count: grpc.UnaryStreamMultiCallable[bytes, bytes]
        count = channel.unary_stream("/Greeter/Count", bytes, bytes)
        assert greet(b"Ada", timeout=300) == b"Hello, Ada"
        assert list(count(b"once", timeout=60)) == [b"once"] * 3


@application("static")
def test_a_static_site_that_an_earlier_stage_bundles(
    repository: SampleRepository, desk: BrowserContext, cluster: Cluster
) -> None:
    page = desk.new_page()
    page.goto(address(cluster, "main", "app-static"))
    heading = page.locator("h1")
    see(page, heading.filter(has_text="Bundled and served."))
    expect(heading).to_have_css("color", "rgb(0, 90, 60)")


@application("c", mem=16)
def test_a_service_in_c(
    repository: SampleRepository, desk: BrowserContext, cluster: Cluster
) -> None:
    page = desk.new_page()
    page.goto(address(cluster, "main", "app-c"))
    see(page, page.get_by_role("heading", name="Compiled.", exact=True))


@application("slow")
def test_a_slow_starter_shows_a_page_meanwhile(
    repository: SampleRepository, desk: BrowserContext, cluster: Cluster
) -> None:
    page = desk.new_page()
    page.goto(address(cluster, "main", "app-slow", "/index.html"))
    see(page, page.get_by_text("Waiting for its first answer").first)
    # The application's own output needs a token.
    expect(page.locator("body")).not_to_contain_text("Loading the dictionary")
    see(page, page.get_by_role("heading", name="Here at last.", exact=True))


@application("hungry")
def test_a_build_that_needs_much_more_memory_than_what_it_builds(
    repository: SampleRepository, desk: BrowserContext, cluster: Cluster, api: Api
) -> None:
    page = desk.new_page()
    page.goto(address(cluster, "main", "app-hungry"))
    see(page, page.get_by_role("heading", name="1024 MB", exact=True))
    preview = api.preview("app-hungry", repository.git("rev-parse", "main"))
    assert preview["state"] == "running"
