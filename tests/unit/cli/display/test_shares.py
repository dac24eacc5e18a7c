"""What `prevs show` prints about a preview's containers."""

from typing import Any

from cli.client.generated.records import Preview
from cli.display import tables


def preview(**fields: Any) -> Preview:
    shown: Any = {"cpus": 0.45, "mem": 448, "port": 8000, **fields}
    return shown  # type: ignore[no-any-return] # the fields that are read


APP = {"name": "app", "image": "", "cpus": 0.1, "mem": 128}


def test_each_of_several_containers_is_listed_with_its_share() -> None:
    db = {"name": "db", "image": "postgres:17", "cpus": 0.35, "mem": 320}
    assert tables.list_shares(preview(containers=[APP, db])) == [
        ("runs with", "0.45 CPUs, 448 MB, port 8000"),
        ("", "app: 0.1 CPUs, 128 MB"),
        ("", "db postgres:17: 0.35 CPUs, 320 MB"),
    ]


def test_one_container_is_the_whole() -> None:
    whole = [("runs with", "0.45 CPUs, 448 MB, port 8000")]
    assert tables.list_shares(preview(containers=[APP])) == whole
