"""One proxy for the tests of a file."""

from collections.abc import Callable, Iterator, Mapping

import pytest

from tests.integration.haproxy import proxies
from tests.integration.haproxy.proxies import Site


@pytest.fixture(scope="module")
def more_settings() -> Mapping[str, str]:
    """Further settings of the file's proxy, by the names of their variables: none."""
    return {}


@pytest.fixture(scope="module")
def running_site(
    tmp_path_factory: pytest.TempPathFactory,
    zookeeper: str,
    free_port: Callable[[], int],
    more_settings: Mapping[str, str],
) -> Iterator[Site]:
    """The proxy of the file, with the state that its tests leave."""
    folder = tmp_path_factory.mktemp("site")
    with proxies.site(folder, zookeeper, free_port(), **more_settings) as started:
        yield started


@pytest.fixture
def site(running_site: Site) -> Iterator[Site]:
    """The proxy of the file, which routes nothing and knows nothing yet."""
    yield running_site
    running_site.empty()
