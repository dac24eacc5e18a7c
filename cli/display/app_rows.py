"""The rows about an app."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

from cli.client.generated.records import App
from cli.display.sentences import ago
from cli.display.setting_values import show_setting
from prevs.apps import AppRecord
from prevs.declarations import list_settings

_MEANT = ("room", "auto")
"""A setting whose meaning is shown, and the value that means another one."""


def list_setting_rows(app: App) -> Iterator[tuple[str, object]]:
    """Yield the rows of an app's settings, but for those about its forge."""
    values = cast(Mapping[str, Any], app)
    for one in list_settings(AppRecord):
        if one.about.page or one.name not in values:
            continue
        value = values[one.name]
        for each in value if one.is_list else (value,):
            meant = f"{values['room_shows']} (auto)" if (one.name, each) == _MEANT else ""
            yield one.about.title.lower(), meant or show_setting(one, each)


def list_forge(app: App, now: float) -> Sequence[tuple[str, object]]:
    """Return the rows about an app's forge; none if it has none."""
    kind, token_set = app.get("forge_kind", "none"), app.get("forge_token_set")
    if kind == "none":
        return []
    followed = app.get("pulls_followed", "off")
    return [
        ("forge", f"{kind} (auto)" if app.get("forge") == "auto" else kind),
        ("forge token", f"set {ago(token_set, now)}" if token_set else "none"),
        ("pull requests", f"{followed} (auto)" if app.get("pulls") == "auto" else followed),
        ("forks", app.get("forks", "") if followed == "all" else ""),
        ("told by", ", ".join(app.get("tell", [])) if followed != "off" and token_set else ""),
    ]
