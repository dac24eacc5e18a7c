"""The rows about an app that take more than its setting."""

from collections.abc import Sequence

from cli.client.api_types import App
from cli.display.sentences import ago


def show_room(app: App) -> str:
    """Return what an app's waiting room shows."""
    shows = app.get("room_shows", "")
    return f"{shows} (auto)" if app.get("room") == "auto" else shows


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
