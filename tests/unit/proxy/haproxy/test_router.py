"""The map files, with which HAProxy starts. tests/contract has the changes while it runs."""

from pathlib import Path

import pytest

from proxy.haproxy.config import Files
from proxy.haproxy.router import REVISION, HaproxyRouter
from proxy.model.access import Accesses, AppAccess
from proxy.model.routes import Merged, Route, Routes

ONE, TWO = Route("10.0.0.1", 31000, "hello.one"), Route("10.0.0.2", 31001, "other.two")


def kept(folder: Path) -> tuple[Routes, Accesses | None]:
    """Return what the next proxy finds in the map files."""
    return HaproxyRouter(Files(folder), "the-next-run").load_map()


GUARDED = {"other": AppAccess(7, preflight=True, passes=frozenset({"a-pass"}))}


@pytest.mark.parametrize("accesses", [{}, GUARDED, {"other": AppAccess(closed=True)}])
def test_what_one_proxy_saves_is_loaded_by_the_next(tmp_path: Path, accesses: Accesses) -> None:
    router = HaproxyRouter(Files(tmp_path), "run")
    both = Merged({"hello": {"a.hello.x": ONE}, "other": {"a.other.x": TWO}})
    router.begin_with(both, accesses)
    assert kept(tmp_path) == (both, accesses)
    public = (tmp_path / "routes.map").read_text()
    assert f"{REVISION} run.0\n" in public
    assert ("a.other.x" in public) == (not accesses)


def test_the_map_files_follow_apps_that_change_come_and_go(tmp_path: Path) -> None:
    router = HaproxyRouter(Files(tmp_path), "run")
    same = {"a.same.x": ONE}
    for parts in (
        {"same": same, "hello": {"a.hello.x": ONE}},
        {"same": same, "hello": {"a.hello.x": TWO, "b.hello.x": ONE}},
        {"other": {"a.other.x": TWO}, "same": same},
        {"same": same},
    ):
        wanted = Merged(parts)
        router.begin_with(wanted, GUARDED)
        assert kept(tmp_path) == (dict(wanted), GUARDED)


def test_without_map_files_there_are_no_routes_and_who_may_look_is_not_known(
    tmp_path: Path,
) -> None:
    assert kept(tmp_path) == ({}, None)
