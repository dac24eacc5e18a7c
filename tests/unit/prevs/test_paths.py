"""The paths in ZooKeeper."""

from prevs.paths import Paths


def test_every_path_is_below_the_root_and_below_its_listed_parent() -> None:
    paths = Paths("/test/1")
    known = {
        paths.framework: "framework",
        paths.framework_id: "framework/id",
        paths.installation: "framework/installation",
        paths.leader: "framework/leader",
        paths.election: "framework/election",
        paths.apps: "apps",
        paths.access: "access",
        paths.app_access("hello"): "access/hello",
        paths.app("hello"): "apps/hello",
        paths.previews: "previews",
        paths.app_previews("hello"): "previews/hello",
        paths.preview("hello", "f00"): "previews/hello/f00",
        paths.placements: "placements",
        paths.app_placements("hello"): "placements/hello",
        paths.secrets: "secrets",
        paths.app_secrets("hello"): "secrets/hello",
        paths.schedules: "schedules",
        paths.app_schedules("hello"): "schedules/hello",
        paths.schedule("hello", "report"): "schedules/hello/report",
        paths.gates: "gates",
        paths.gate("api"): "gates/api",
        paths.stacks: "stacks",
        paths.stack("shop"): "stacks/shop",
        paths.proxies: "proxies",
        paths.proxy("p1"): "proxies/p1",
    }
    assert list(known) == [f"/test/1/{path}" for path in known.values()]
