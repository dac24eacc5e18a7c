"""What the last of all test runs removes from a Docker that others use too."""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from docker.api import APIClient

from tests.docker_leftovers import removing
from tests.fakes.dockerd import OwnDockerd
from tests.fakes.samples import SampleImages
from tests.integration.docker.builds import making

pytestmark = [
    pytest.mark.integration,
    pytest.mark.night,
    pytest.mark.skipif(os.geteuid() != 0, reason="starts a dockerd of its own: root"),
]


@contextlib.contextmanager
def running() -> Iterator[OwnDockerd]:
    """Run a dockerd that no other test uses, as those would lose what they have there."""
    folder = Path(tempfile.mkdtemp(prefix="prevs-"))  # short: a socket is made in it
    made = OwnDockerd(folder)
    try:
        made.start()
        yield made
    finally:
        made.clear()
        shutil.rmtree(folder)


def test_the_networks_that_clients_make_go_with_a_dockerd_of_a_tests_own() -> None:
    with running() as dockerd:
        with contextlib.closing(APIClient(base_url=dockerd.host, version="auto")) as client:
            bridge = f"br-{client.create_network('of-a-client')['Id'][:12]}"
        dockerd.stop()
        link = Path("/sys/class/net") / bridge
        assert link.exists(), "a dockerd leaves it"
    assert not link.exists()


def look(host: str) -> list[int]:
    """Return how many images, volumes and records of the cache there are."""
    with contextlib.closing(APIClient(base_url=host, version="auto")) as client:
        found = client.df()
        kinds = ("Images", "Volumes", "BuildCache")
        return [len(found[kind] or ()) for kind in kinds]


def leave(host: str, folder: Path, number: int) -> None:
    """Leave what attempts leave: two images, of which one lost its tag, a volume and a build."""
    folder.mkdir()
    labels = {"prevs.app": f"app-{number}"}
    with contextlib.closing(APIClient(base_url=host, version="auto")) as client:
        for command in ("exit 1", "exit 2"):
            SampleImages(client).add(f"prevs/app-{number}:1", f"{command}{number}")
        client.create_volume(f"prevs-app-{number}", labels=labels)
        with making("buildkit", host, folder) as world:
            world.build(f"COPY busybox /copied-{number}")


def test_only_what_was_made_in_between_is_removed(tmp_path: Path) -> None:
    with running() as dockerd:
        leave(dockerd.host, tmp_path / "before", 1)
        before = look(dockerd.host)
        with removing(dockerd.host, tmp_path), removing(dockerd.host, tmp_path):
            leave(dockerd.host, tmp_path / "meanwhile", 2)
        assert all(before)
        assert look(dockerd.host) == before
        dockerd.stop()
