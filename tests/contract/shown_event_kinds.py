"""Prints, as JSON in its last line, all places that show the kinds of events.

Run where `prevs/event_kinds.py` may differ: its last type is that of an event which is shown here.
"""

import json
import sys

import click
from click.testing import CliRunner

from cli.commands.notifications import add_receiver
from docs.generated import event_kinds as page
from docs.generated import http_api
from framework.apps import receivers
from framework.http_api.models import event_models
from framework.preview.history import ActivityEvent
from generator.__main__ import make
from prevs import event_kinds, names


def main() -> None:
    """Print them."""
    described = http_api.describe()
    kind = event_kinds.TYPES[-1].name
    none = (None,) * 4
    event = ActivityEvent("e-1", 1.0, kind, "shop", *none, "It is ready.", None, "soup")
    addresses = names.addresses("prevs.example", 80)
    option = next(one for one in add_receiver.params if one.name == "events")
    given = option.shell_complete(click.Context(add_receiver), f"pin,{kind[:3]}")
    found = {
        "refused": receivers.find_events_problem((kind,)),
        "wanted": receivers.Receiver("ci", "", "", (kind,)).wants(event.kind),
        "schemas": described["components"]["schemas"],
        "records": make(described)["records.pyi"],
        "sent": event_models.write_notification(event, addresses),
        "test": event_models.write_test("shop", "test-1", 1.0),
        "help": CliRunner().invoke(add_receiver, ["--help"]).output,
        "completed": [(one.value, one.help) for one in given],
        "docs": page.page(),
    }
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
