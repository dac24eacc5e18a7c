"""The map file, with which HAProxy starts. tests/contract has the changes while it runs."""

from pathlib import Path

from proxy.haproxy.router import REVISION, HaproxyRouter
from proxy.model.routes import Merged, Route, Routes

ONE, TWO = Route("10.0.0.1", 31000, "hello.one"), Route("10.0.0.2", 31001, "other.two")


def kept(map_file: Path) -> Routes:
    """Return the routes that the next proxy finds in the map file."""
    return HaproxyRouter(Path("/nowhere"), map_file, "the-next-run").load_map()


def test_the_map_that_one_proxy_saves_is_loaded_by_the_next(tmp_path: Path) -> None:
    router = HaproxyRouter(Path("/nowhere"), tmp_path / "map", "run")
    router.begin_with(Merged({"hello": {"a.hello.x": ONE}, "other": {"a.other.x": TWO}}))
    assert kept(tmp_path / "map") == {"a.hello.x": ONE, "a.other.x": TWO}
    assert f"{REVISION} run.0\n" in (tmp_path / "map").read_text()


def test_the_map_file_follows_apps_that_change_come_and_go(tmp_path: Path) -> None:
    router = HaproxyRouter(Path("/nowhere"), tmp_path / "map", "run")
    same = {"a.same.x": ONE}
    for parts in (
        {"same": same, "hello": {"a.hello.x": ONE}},
        {"same": same, "hello": {"a.hello.x": TWO, "b.hello.x": ONE}},
        {"other": {"a.other.x": TWO}, "same": same},
        {"same": same},
    ):
        wanted = Merged(parts)
        router.begin_with(wanted)
        assert kept(tmp_path / "map") == dict(wanted)


def test_there_are_no_routes_without_a_map_file(tmp_path: Path) -> None:
    assert kept(tmp_path / "map") == {}
