"""Prints, as JSON in its last line, all places that show a declared setting.

Run where the files of `prevs/` with declarations may differ.
"""

import json
import sys
from typing import Any

from click.testing import CliRunner

from cli.commands.access import role
from cli.commands.apps import app as commands
from cli.display import app_rows
from cli.jobs.run import run
from cli.schedules import schedule_tables
from cli.schedules.commands import schedule
from docs.generated import commands as command_pages
from docs.generated import commit_settings, http_api, settings
from framework.apps.manifest.job_keys import Job
from framework.dashboard.pages import app_forms
from framework.gates import proposals, written_gate
from framework.http_api.gates import gate_orders
from framework.http_api.gates.gate_presenter import GatePresenter
from framework.http_api.models import presenter, token_models
from framework.http_api.schedules import schedule_orders, schedule_presenter
from framework.state.snapshot import Snapshot
from prevs.apps import AppRecord
from prevs.names import Addresses
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
        **_find_gate(schemas),
        **_find_role(schemas),
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


def _find_gate(schemas: Any) -> dict[str, Any]:
    """Return a gate with one setting more: as it is proposed, and as it is in force."""
    order = {"app": "shop", "rules": [{"path": "/", "to": [{"label": "main"}]}], "quiet": True}
    written = gate_orders.read(gate_orders.GateOrder.model_validate(order))
    neighbours = written_gate.Neighbours("prevs.example", {"shop"})
    checked = written_gate.check("api", written, neighbours, now=1.0, by="ada")
    proposed = proposals.propose(checked, None, {"main": "a" * 40}, ["main"])
    adopted = proposals.adopt(proposed, {}, 2.0)
    presenter = GatePresenter(
        lambda: Snapshot({}, {}), Addresses("http://{label}.{app}.prevs.example/")
    )
    shown = [presenter.show(one).model_dump(mode="json") for one in (proposed, adopted)]
    return {
        "gate described": [
            schemas[name]["properties"]["quiet"] for name in ("GateOrder", "Gate", "GateProposal")
        ],
        "gate proposed": shown[0]["proposal"]["quiet"],
        "gates": [one["quiet"] for one in shown],
        "stored gate": adopted.encode().decode(),
    }


def _find_role(schemas: Any) -> dict[str, Any]:
    """Return a role with one setting more."""
    order: Any = {"person": "ada", "scope": "use", "note": "on call"}
    record = token_models.RoleOrder.model_validate(order).read()
    return {
        "role described": [schemas[name]["properties"]["note"] for name in ("RoleOrder", "Role")],
        "stored role": record.encode().decode(),
        "role": token_models.show_role(record).model_dump(),
        "role add": CliRunner().invoke(role, ["add", "--help"]).output,
    }


if __name__ == "__main__":
    main()
