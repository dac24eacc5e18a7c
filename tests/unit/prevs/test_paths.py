"""Where things are in ZooKeeper."""

from prevs.paths import Paths


def test_everything_is_below_the_root() -> None:
    paths = Paths("/test/1")
    assert paths.framework_id == "/test/1/framework/id"
    assert paths.installation == "/test/1/framework/installation"
    assert paths.leader == "/test/1/framework/leader"
    assert paths.election == "/test/1/framework/election"
    assert paths.app("hello") == "/test/1/apps/hello"
    assert paths.preview("hello", "f00") == "/test/1/previews/hello/f00"
    assert paths.app_placements("hello") == "/test/1/placements/hello"
    assert paths.app_secrets("hello") == "/test/1/secrets/hello"
    assert paths.proxy("p1") == "/test/1/proxies/p1"


def test_each_path_is_below_the_parent_that_is_listed() -> None:
    paths = Paths()
    assert paths.app("a").startswith(f"{paths.apps}/")
    assert paths.app_previews("a").startswith(f"{paths.previews}/")
    assert paths.preview("a", "s").startswith(f"{paths.app_previews('a')}/")
    assert paths.app_placements("a").startswith(f"{paths.placements}/")
    assert paths.app_secrets("a").startswith(f"{paths.secrets}/")
    for own in (paths.framework_id, paths.installation, paths.leader, paths.election):
        assert own.startswith(f"{paths.framework}/")
    assert paths.proxy("p").startswith(f"{paths.proxies}/")
