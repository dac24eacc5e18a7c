"""Prints, as JSON in its last line, all places that show an app's settings.

Run where `prevs/apps.py` may differ.
"""

import json
import sys
from typing import Any

from click.testing import CliRunner

from cli.commands.apps import app as commands
from cli.display import app_rows
from docs.generated import http_api, settings
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
    found = {
        "stored": AppRecord("shop", "/srv/shop").encode().decode(),
        "described": [schemas[name]["properties"] for name in ("AppSettings", "AppChanges", "App")],
        "answer": answer,
        "form": Dashboard().sign_in().get("/add-app").text,
        "read from the form": changed,
        "help": [CliRunner().invoke(commands, [word, "--help"]).output for word in ("add", "set")],
        "table": list(app_rows.list_setting_rows(greeted)),
        "docs": settings.page(),
    }
    json.dump(found, sys.stdout, default=str)


if __name__ == "__main__":
    main()
