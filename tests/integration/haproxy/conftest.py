"""What several files need at their proxy: an app nobody has requested, gates, a guarded app."""

from collections.abc import Iterator

import pytest

from tests.fakes.placements import SHA
from tests.integration.haproxy import gates, guarding
from tests.integration.haproxy.proxies import Site, Upstream


@pytest.fixture
def hello(site: Site) -> None:
    """An app of which nothing was requested yet."""
    site.world.add("hello", "main", SHA)


@pytest.fixture
def labels(site: Site) -> Iterator[None]:
    """An app of which gates.LABELS run."""
    with gates.labelled(site):
        yield


@pytest.fixture
def shop(site: Site) -> Iterator[Upstream]:
    """A guarded app."""
    with guarding.shop(site) as application:
        yield application
