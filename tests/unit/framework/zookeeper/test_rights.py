"""framework/zookeeper/rights.py: who may do what in ZooKeeper."""

import pytest

from framework.zookeeper.rights import Rights, everything
from prevs.paths import Paths

PATHS = Paths("/prevs")
RIGHTS = Rights(PATHS, "prevs:a", ("proxy:b", "former:c"))
READ, CREATE, ALL = 1, 4, 31


@pytest.mark.parametrize(
    ("path", "perms"),
    [
        (PATHS.placements, READ),
        (PATHS.app_placements("hello"), READ),
        (PATHS.agents, READ),
        (PATHS.access, READ),
        (PATHS.app_access("hello"), READ),
        (PATHS.gates, READ),
        (PATHS.gate("api"), READ),
        (PATHS.proxies, READ | CREATE),
        *((path, 0) for path in (PATHS.root, PATHS.apps, PATHS.tokens, PATHS.secrets)),
        *((path, 0) for path in (PATHS.framework, PATHS.leader, PATHS.election)),
        (PATHS.token("ci"), 0),
        (PATHS.preview("hello", "1" * 40), 0),
        ("/prevs/placements-of-others", 0),
        ("/prevs/accesses", 0),
    ],
)
def test_proxies_have_the_rights_they_need_and_frameworks_all(path: str, perms: int) -> None:
    own, *theirs = RIGHTS.of(path)
    assert (own, own.perms) == (everything("prevs:a"), ALL)
    assert [one.perms for one in theirs] == ([perms, perms] if perms else [])
    assert len({one.id for one in (own, *theirs)}) == 1 + len(theirs)


def test_without_an_identity_of_proxies_nobody_else_has_rights() -> None:
    alone = Rights(PATHS, "prevs:a")
    assert alone.of(PATHS.placements) == alone.of(PATHS.proxies) == [everything("prevs:a")]
    assert not alone.are_a_proxys(PATHS.proxy("p"), [everything("prevs:a")])


def test_a_proxys_own_znode_is_recognized_by_its_path_and_its_acl() -> None:
    theirs = [everything("former:c")]
    assert RIGHTS.are_a_proxys(PATHS.proxy("p"), theirs)
    assert not RIGHTS.are_a_proxys(PATHS.proxy("p"), [everything("prevs:a")])
    assert not RIGHTS.are_a_proxys(PATHS.app("p"), theirs)
    assert not RIGHTS.are_a_proxys(PATHS.proxies, theirs)
