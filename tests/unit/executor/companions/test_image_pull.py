"""executor/companions/image_pull.py: how far a pull is, and why one failed."""

from typing import Any

import pytest

from executor.companions.companion_errors import CompanionImageMissing, CompanionRegistryUnreachable
from executor.companions.image_names import ImageName
from executor.companions.image_pull import PullProgress, Wanted, judge
from executor.errors import AgentUnfit, DockerUnavailable, ExecutorError

WANTED = Wanted("db", "postgres:17", ImageName("docker.io/library/postgres", "17", ""), "prevs/x:1")


def message(layer: str, status: str, current: int = 0, total: int = 0) -> dict[str, Any]:
    detail = {"current": current, "total": total} if total else {}
    return {"id": layer, "status": status, "progressDetail": detail}


def test_the_progress_counts_layers_and_bytes() -> None:
    progress = PullProgress()
    assert progress.take({"status": "Pulling from library/postgres", "id": "17"}) == ""
    told = [
        progress.take(message("a", "Already exists")),
        progress.take(message("b", "Pulling fs layer")),
        progress.take(message("b", "Downloading", 5_000_000, 20_000_000)),
        progress.take(message("c", "Downloading", 1_000_000, 10_000_000)),
        progress.take(message("b", "Download complete")),
        progress.take(message("b", "Extracting", 1, 20_000_000)),
        progress.take(message("b", "Pull complete")),
    ]
    assert told == [
        "1/1 layers",
        "1/2 layers",
        "1/2 layers, 5 of 20 MB",
        "1/3 layers, 6 of 30 MB",
        "1/3 layers, 21 of 30 MB",
        "1/3 layers, 21 of 30 MB",
        "2/3 layers, 21 of 30 MB",
    ]
    assert progress.take({"status": "Digest: sha256:ab"}) == ""


@pytest.mark.parametrize(
    ("why", "kind"),
    [
        ("manifest unknown: manifest unknown", CompanionImageMissing),
        ("it does not answer", CompanionRegistryUnreachable),
        (
            'Get "https://registry-1.docker.io/v2/": dial tcp: i/o timeout',
            CompanionRegistryUnreachable,
        ),
        ('Head "https://r.example/v2/x": unauthorized: incorrect login', CompanionImageMissing),
        (
            'Get "https://r.exmaple/v2/": dial tcp: lookup r.exmaple: no such host',
            CompanionImageMissing,
        ),
        ("write /var/lib/docker/tmp/x: no space left on device", AgentUnfit),
        ("Cannot connect to the Docker daemon at unix:///x", DockerUnavailable),
    ],
)
def test_the_failure_of_a_pull_says_whose_it_is(why: str, kind: type[ExecutorError]) -> None:
    error = judge(WANTED, why, 60.0)
    assert type(error) is kind
    if kind in (CompanionImageMissing, CompanionRegistryUnreachable):
        assert "postgres:17 of the companion db" in str(error)
