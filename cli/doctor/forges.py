"""The check of the forges of apps: what the last look at each, and the last word to it, came to."""

from collections.abc import Mapping, Sequence
from typing import Any

from cli.client.generated.records import App
from cli.doctor.findings import Finding, ok, warning


def list_followed(apps: Sequence[App]) -> list[str]:
    """Return the names of the apps whose pull requests are followed."""
    return [app["name"] for app in apps if app.get("pulls_followed", "off") != "off"]


def judge_forge(app: str, listed: Mapping[str, Any]) -> list[Finding]:
    """Return what is wrong at an app's forge; `listed` is what the API says with its pulls."""
    part, advice = f"forge of {app}", f"`prevs forge check {app}` checks each part of the way."
    found = []
    if why := str(listed.get("problem") or ""):
        found.append(warning(part, f"Its pull requests are not followed now. {why}", advice))
    if why := str(listed.get("delivery_problem") or ""):
        found.append(warning(part, f"Something cannot be said there now. {why}", advice))
    return found


def describe_forges(count: int) -> Finding:
    """Return that nothing is wrong at the forges of so many apps."""
    whose = "the app that follows" if count == 1 else f"the {count} apps that follow"
    return ok("forges", f"The framework can read those of {whose} pull requests.")
