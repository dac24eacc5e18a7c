import dataclasses

import pytest

from framework.apps import effective_settings
from prevs.commit_settings import CommitSettings, RunSettings
from prevs.companions import Companion
from prevs.job_settings import JobSettings
from prevs.records import AppRecord, PreviewRecord
from prevs.states import State

APP = AppRecord(
    "shop", "/srv/shop", port=8000, cpus=0.5, mem=256, health="/up", folder="services/web"
)


@pytest.mark.parametrize("settings", [None, CommitSettings()])
def test_a_commit_without_settings_has_those_of_the_app(settings: CommitSettings | None) -> None:
    assert effective_settings.resolve(APP, settings) == (8000, "/up", 60.0, 0.5, 256)


def test_the_settings_of_a_commit_override_those_of_the_app() -> None:
    settings = CommitSettings(port=9000, health="/ready", start_limit=300.0, cpus=0.1, mem=64)
    assert effective_settings.resolve(APP, settings) == (9000, "/ready", 300.0, 0.1, 64)


@pytest.mark.parametrize(
    ("job", "resources"),
    [
        (JobSettings(("x",)), (0.5, 256)),
        (JobSettings(("x",), cpus=0.1), (0.1, 256)),
        (JobSettings(("x",), mem=64), (0.5, 64)),
    ],
)
def test_a_job_has_the_resources_of_its_file_or_else_of_the_app(
    job: JobSettings, resources: tuple[float, int]
) -> None:
    assert effective_settings.resources(APP, job) == resources


def test_a_commit_may_have_what_the_app_has_and_what_the_app_allows() -> None:
    own = (0.5, 256, 8000)
    assert effective_settings.bounds(APP) == ("shop", "services/web", 1.0, 2048, *own)
    app = dataclasses.replace(APP, max_cpus=2.0, max_mem=1024)
    assert effective_settings.bounds(app) == ("shop", "services/web", 2.0, 1024, *own)
    low = effective_settings.bounds(dataclasses.replace(APP, max_cpus=0.1, max_mem=64))
    assert (low.cpus, low.mem) == (0.5, 256)


def test_a_preview_takes_what_all_its_containers_take() -> None:
    beside = (Companion("db", cpus=0.25, mem=256), Companion("cache", cpus=0.1, mem=64))
    settings = CommitSettings(mem=512, run=RunSettings(companions=beside))
    assert effective_settings.resources(APP, settings) == (0.85, 832)
    assert effective_settings.own_resources(APP, settings) == (0.5, 512)
    assert effective_settings.resolve(APP, settings)[3:] == (0.85, 832)


@pytest.mark.parametrize(
    ("changes", "same"),
    [
        ({"health": "/", "repository": "/srv/other"}, True),
        ({"port": 1}, False),
        ({"cpus": 0.5, "max_cpus": 1.0}, True),
        ({"folder": "services/api"}, False),
        ({"max_cpus": 2.0}, False),
        ({"max_mem": 512}, False),
        ({"mem": 128}, False),
    ],
)
def test_settings_are_read_again_where_the_folder_or_a_bound_has_changed(
    changes: dict[str, object], same: bool
) -> None:
    read = PreviewRecord(
        "shop",
        "a" * 40,
        State.QUEUED,
        settings=CommitSettings(),
        settings_for=effective_settings.settings_key(APP),
    )
    assert effective_settings.is_current(APP, read)
    changed = dataclasses.replace(APP, **changes)  # type: ignore[arg-type] # fields vary per case
    assert effective_settings.is_current(changed, read) is same
    assert not effective_settings.is_current(APP, dataclasses.replace(read, settings=None))
