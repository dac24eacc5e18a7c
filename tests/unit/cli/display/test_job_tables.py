"""The tables of jobs."""

from typing import cast

from rich.text import Text

from cli.client.generated.records import Job
from cli.display import job_tables
from tests.fakes.answers import SHA

JOB = {
    "id": "k4z7q2n5v3w6x2y7",
    "app": "hello",
    "commit": SHA,
    "state": "running",
    "exit_code": None,
    "name": "report",
    "label": "main",
    "created": 30.0,
    "began": 80.0,
    "ended": None,
    "reason": "",
    "progress": {"percent": 40, "message": "half way"},
}


def test_each_column_has_what_it_is_for() -> None:
    table = job_tables.jobs([cast(Job, JOB)], 90.0)
    row = {
        str(column.header): cast(Text, next(iter(column.cells))).plain for column in table.columns
    }
    assert row == {
        "ID": "k4z7q2n5",
        "APP": "hello",
        "COMMIT": "de6b329",
        "STATE": "running",
        "EXIT": "",
        "JOB": "report",
        "TOOK": "10 s",
        "LABEL": "main",
        "AGE": "1 min ago",
        "NOTES": "runs: 40 % half way",
    }
