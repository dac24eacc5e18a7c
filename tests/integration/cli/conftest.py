from collections.abc import Iterator

import pytest

from cli.__main__ import main
from tests.fakes import api as fake
from tests.fakes import api_server
from tests.integration.cli.running import Done, Run


@pytest.fixture
def world() -> fake.World:
    """An app `hello` whose branch main leads to a commit that nobody asked for yet."""
    return fake.World(apps={"hello": fake.app("hello")}, labels={("hello", "main"): fake.SHA})


@pytest.fixture
def address(world: fake.World) -> Iterator[str]:
    with api_server.serving(world) as address:
        yield address


@pytest.fixture
def environ(address: str) -> dict[str, str]:
    return {"PREVS_API": address, "PREVS_TOKEN": fake.TOKEN, "HOME": "/nonexistent"}


@pytest.fixture
def run(environ: dict[str, str], capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command in this process."""

    def run_it(*args: str, **changes: str) -> Done:
        status = main(args, {**environ, **changes})
        return Done(status, *capsys.readouterr())

    return run_it
