"""The alert rules, the dashboard and the example of docs/monitoring, without a system to watch."""

import json
import re
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.integration

DOCS = Path(__file__).parents[3] / "docs"
FOLDER = DOCS / "monitoring"


def promtool(*arguments: str) -> str:
    done = subprocess.run(
        ["promtool", *arguments], cwd=FOLDER, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def alerts() -> list[str]:
    return re.findall(r"- alert: (\w+)", (FOLDER / "alerts.yml").read_text())


def test_prometheus_takes_the_rules_and_the_example(tmp_path: Path) -> None:
    promtool("check", "rules", "alerts.yml")
    # It looks for the file with the token, too.
    token = tmp_path / "token"
    token.write_text("a-token\n")
    example = (FOLDER / "prometheus.yml").read_text()
    config = tmp_path / "prometheus.yml"
    config.write_text(example.replace("/etc/prometheus/prevs-token", str(token)))
    (tmp_path / "alerts.yml").write_text((FOLDER / "alerts.yml").read_text())
    promtool("check", "config", str(config))


def test_each_alert_fires_when_it_should() -> None:
    promtool("test", "rules", "alerts_test.yml")
    shown = set(re.findall(r"- name: (\w+)", (FOLDER / "alerts_test.yml").read_text()))
    assert shown == set(alerts())


def test_each_alert_describes_itself_and_leads_to_advice() -> None:
    rules, page = (FOLDER / "alerts.yml").read_text(), (DOCS / "monitoring.md").read_text()
    for name, body in zip(alerts(), rules.split("- alert: ")[1:], strict=True):
        assert f"\n### {name}\n" in page
        for needed in ("severity", "summary", "description"):
            assert f"{needed}: " in body
        assert f"what_to_do: docs/monitoring.md#{name.lower()}\n" in body


def panels(dashboard: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield from (panel for panel in dashboard["panels"] if panel["type"] != "row")


def test_the_dashboard_has_what_grafana_needs_to_show_it() -> None:
    dashboard = json.loads((FOLDER / "dashboard.json").read_text())
    assert dashboard["schemaVersion"] >= 38  # Grafana 10
    (variable,) = dashboard["templating"]["list"]
    assert (variable["name"], variable["type"]) == ("datasource", "datasource")
    ids = [panel["id"] for panel in dashboard["panels"]]
    assert len(ids) == len(set(ids))
    taken: set[tuple[int, int]] = set()
    for panel in dashboard["panels"]:
        at = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        }
        assert not cells & taken, panel["title"]
        assert max(x for x, _ in cells) < 24
        taken |= cells
    for panel in panels(dashboard):
        assert panel["title"]
        assert panel["fieldConfig"]["defaults"]["unit"]
        for target in panel["targets"]:
            assert target["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
            assert target["expr"]
