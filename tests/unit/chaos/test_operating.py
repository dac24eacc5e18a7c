"""What operators do, on a cluster that only writes down which tokens its parts have."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast

import pytest

from local.settings import Settings
from program.settings.proxy_tokens import read_tokens
from tests.chaos import operating
from tests.chaos.parts import proxies_token_file
from tests.chaos.plan import FRAMEWORKS, PROXIES
from tests.chaos.world import World


class Cluster:
    """A part has the tokens that its file had when it was started last."""

    def __init__(self, folder: Path, leader: str) -> None:
        self.settings = Settings(folder, "cluster")
        self._leader = leader
        self.restarted: list[str] = []
        self.seen: list[Mapping[str, tuple[str, ...]]] = []
        """The tokens of all parts after each restart."""
        self.pass_issued_under: tuple[str, ...] = ()
        for file in (self.settings.proxy_token_file, proxies_token_file(self.settings)):
            file.write_text("old")
        self._running = {part: self._read(part) for part in (*FRAMEWORKS, *PROXIES)}

    def restart(self, part: str) -> None:
        self.restarted.append(part)
        self._running[part] = self._read(part)
        self.seen.append(dict(self._running))

    def leader(self) -> str:
        return self._leader

    def issue_passes(self) -> None:
        self.pass_issued_under = self._running["framework"]

    def wait_healed(self, limit: float) -> None:
        pass

    def wait_for(self, condition: Callable[[], Any], what: str, *, limit: float) -> None:
        assert what.endswith("the later ones may go")

    def _read(self, part: str) -> tuple[str, ...]:
        ours, theirs = self.settings.proxy_token_file, proxies_token_file(self.settings)
        return read_tokens(theirs if part in PROXIES else ours)


@pytest.fixture(params=FRAMEWORKS)
def cluster(tmp_path: Path, request: pytest.FixtureRequest) -> Cluster:
    made = Cluster(tmp_path, request.param)
    operating.change_token(cast("World", made))
    return made


def test_at_each_step_both_sides_accept_each_other(cluster: Cluster) -> None:
    for running in cluster.seen:
        for proxy in PROXIES:
            for framework in FRAMEWORKS:
                assert running[proxy][0] in running[framework]
                assert running[framework][0] in running[proxy]


def test_in_the_end_only_the_new_token_is_known_and_it_has_signed_the_pass(
    cluster: Cluster,
) -> None:
    assert len(set(cluster.seen[-1].values())) == 1
    [new] = cluster.seen[-1]["proxy"]
    assert new != "old"
    assert cluster.pass_issued_under == (new,)


def test_who_leads_is_restarted_last(cluster: Cluster) -> None:
    ours = [one for one in cluster.restarted if one in FRAMEWORKS]
    count = len(FRAMEWORKS)
    rounds = [ours[n : n + count] for n in range(0, len(ours), count)]
    assert [sorted(one) for one in rounds] == [sorted(FRAMEWORKS)] * 2
    assert {one[-1] for one in rounds} == {cluster.leader()}
