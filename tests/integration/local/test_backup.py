"""`prevs backup` and `prevs restore` of a cluster on this machine, whose folder is lost."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from framework.zookeeper.connection import connect
from local.cluster.zookeeper import zookeeper_part
from local.parts.part import bring_up
from local.settings import Settings, prepare, read
from prevs.paths import Paths
from prevs.records import AppRecord, InstallationRecord
from tests.e2e.commands import Done, run_command

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]

PATHS = Paths()
FILES = ("token", "proxy-token", "metrics-token", "key", "zookeeper-auth", "proxy-zookeeper-auth")


@pytest.fixture
def settings(tmp_path: Path, free_port: Callable[[], int]) -> Settings:
    """A cluster that is down, with an app in ZooKeeper that nobody else may read."""
    settings = prepare(tmp_path / "cluster", {"zookeeper_port": free_port()})
    folder, log = settings.folder / "zookeeper", settings.log("zookeeper")
    part = zookeeper_part(folder, settings.zookeeper_port, os.environ, log)
    bring_up(part)
    client = connect(part.address, 15, (settings.zookeeper_auth_file.read_text().strip(),))
    installation = InstallationRecord("zk:///mesos", "prevs", "prevs", "root", "localhost")
    client.create(PATHS.installation, installation.encode(), makepath=True)
    client.create(PATHS.framework_id, b"an-id")
    client.create(PATHS.app("hello"), AppRecord("hello", "/srv/hello").encode(), makepath=True)
    client.stop()
    client.close()
    part.stop()
    return settings


def run(settings: Settings, *arguments: str) -> Done:
    phrase = settings.folder.parent / "phrase"
    phrase.write_text("correct horse battery\n")
    named = (f"--phrase-file={phrase}", f"--dir={settings.folder}")
    return run_command(dict(os.environ), *arguments, *named)


def test_a_lost_folder_is_restored(settings: Settings, tmp_path: Path) -> None:
    file = str(tmp_path / "cluster.backup")
    done = run(settings, "backup", file)
    assert done.returncode == 0, done.stderr
    before = {name: (settings.folder / name).read_bytes() for name in FILES}
    assert f"{file} is there already" in run(settings, "backup", file).stderr
    refused = run(settings, "restore", file)
    assert (refused.returncode, "/prevs in ZooKeeper has records (1)" in refused.stderr) == (
        1,
        True,
    )

    shutil.rmtree(settings.folder)
    done = run(settings, "restore", file)
    assert done.returncode == 0, done.stderr
    assert "`prevs local up`, with the options of before" in done.stdout
    assert {name: (settings.folder / name).read_bytes() for name in FILES} == before
    assert read(settings.folder) == settings
    assert settings.folder.stat().st_mode & 0o777 == 0o700
    again = run(settings, "restore", file)
    assert "/prevs in ZooKeeper has records (1)" in again.stderr
