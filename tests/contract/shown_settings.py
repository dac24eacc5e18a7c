"""Prints, as JSON in its last line, all places that show settings of an app, a job, a schedule.

Run where `prevs/apps.py`, `prevs/job_settings.py` and `prevs/schedules.py` may differ.
"""

import json
import sys
from typing import Any

from click.testing import CliRunner

from cli.commands.apps import app as commands
from cli.display import app_rows
from cli.jobs.run import run
from cli.schedules import schedule_tables
from cli.schedules.commands import schedule
from docs.generated import commands as command_pages
from docs.generated import commit_settings, http_api, settings
from framework.apps.manifest.job_keys import Job
from framework.dashboard.pages import app_forms
from framework.http_api.models import presenter
from framework.http_api.schedules import schedule_orders, schedule_presenter
from framework.state.snapshot import Snapshot
from prevs.apps import AppRecord
from tests.fakes.dashboard import Dashboard


def main() -> None:
    """Print them."""
    schemas = http_api.describe()["components"]["schemas"]
    answer: Any = presenter.show_app(AppRecord("shop", "/srv/shop")).model_dump(mode="json")
    greeted: Any = {**answer, "greeting": "Hello"}
    changed = app_forms.read_changes({"greeting": "Hello", "was-greeting": ""})
    job = Job.model_validate({"command": ["make"], "patience": 5})
    found = {
        "stored": AppRecord("shop", "/srv/shop").encode().decode(),
        "described": [schemas[name]["properties"] for name in ("AppSettings", "AppChanges", "App")],
        "answer": answer,
        "form": Dashboard().sign_in().get("/add-app").text,
        "read from the form": changed,
        "help": [CliRunner().invoke(commands, [word, "--help"]).output for word in ("add", "set")],
        "table": list(app_rows.list_setting_rows(greeted)),
        "docs": settings.page(),
        "job order": schemas["JobOrder"]["properties"],
        "job as a file has it": {"patience": getattr(job.settings(), "patience", None)},
        **_find_schedule(schemas),
        "keys": commit_settings.page(),
        "commands": command_pages.page(),
        "run": CliRunner().invoke(run, ["--help"]).output,
    }
    json.dump(found, sys.stdout, default=str)


def _find_schedule(schemas: Any) -> dict[str, Any]:
    """Return a schedule with one setting more, from its order to what people see."""
    order: Any = {"label": "main", "job": "report", "every": 60, "margin": 30}
    known = schedule_orders.ScheduleOrder.model_validate(order)
    record = schedule_orders.read_whole(known, app="shop", name="nightly")
    answer: Any = schedule_presenter.show(record, Snapshot({}, {}), {}).model_dump(mode="json")
    rows = schedule_tables.details(answer, 0.0)
    job = Job.model_validate({"command": ["make"], "every": 60, "margin": 30}).settings()
    return {
        "stored schedule": record.encode().decode(),
        "schedule described": [
            schemas[name]["properties"].get("margin")
            for name in ("ScheduleOrder", "Schedule", "TimesOrder")
        ],
        "schedule": answer,
        "schedule as a file has it": getattr(job.schedule, "margin", None),
        "schedule table": [[str(cell) for cell in column.cells] for column in rows.columns],
        "schedule add": CliRunner().invoke(schedule, ["add", "--help"]).output,
    }


if __name__ == "__main__":
    main()
