"""Prints, as JSON in its last line, all places that show the settings of an app or of a job.

Run where `prevs/apps.py` and `prevs/job_settings.py` may differ.
"""

import json
import sys
from typing import Any

from click.testing import CliRunner

from cli.commands.apps import app as commands
from cli.display import app_rows
from cli.jobs.run import run
from docs.generated import commit_settings, http_api, settings
from framework.apps.manifest.job_keys import Job
from framework.dashboard.pages import app_forms
from framework.http_api.models import presenter
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
        "keys": commit_settings.page(),
        "run": CliRunner().invoke(run, ["--help"]).output,
    }
    json.dump(found, sys.stdout, default=str)


if __name__ == "__main__":
    main()
