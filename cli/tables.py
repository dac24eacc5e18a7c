"""Apps and previews as tables, for people."""

from collections.abc import Iterable, Sequence

from rich.table import Table
from rich.text import Text

from cli.answers import App, Preview, Queued
from cli.sentences import ago, duration, notes, one_line, ordinal, progress
from prevs import names

_STYLES = {"running": "green", "failed": "red", "stopped": "dim", "draining": "dim"}


def apps(listed: Iterable[App], now: float) -> Table:
    """Return a row for each app."""
    table = _table("NAME", "REPOSITORY", "PORT", "CPUS", "MEM", "MOST", "IDLE", "ADDED")
    for app in listed:
        cells = [app["name"], app["repository"], app["port"], f"{app['cpus']:g}"]
        cells += [f"{app['mem']} MB", app["max_previews"], _idle(app), ago(app["created"], now)]
        table.add_row(*map(_cell, cells))
    return table


def previews(listed: Iterable[Preview], now: float) -> Table:
    """Return a row for each preview."""
    table = _table("APP", "LABEL", "COMMIT", "STATE", "SINCE", "USED", "ADDRESS", "NOTES")
    for preview in listed:
        state = Text(preview["state"], _STYLES.get(preview["state"], "yellow"))
        newest = preview["labels"][-1] if preview["labels"] else ""
        since, used = ago(preview["changed"], now), ago(preview["last_used"], now)
        cells = [preview["app"], newest, names.short(preview["sha"]), state, since, used]
        table.add_row(*map(_cell, [*cells, preview["url"], notes(preview)]))
    return table


def queue(listed: Iterable[Queued], now: float) -> Table:
    """Return a row for each preview that waits."""
    table = _table("PLACE", "APP", "LABEL", "COMMIT", "SINCE", "REASON")
    for one in listed:
        cells = [ordinal(one["place"]), one["app"], one["label"] or "", names.short(one["sha"])]
        table.add_row(*map(_cell, [*cells, ago(one["since"], now), one["reason"]]))
    return table


def app_details(app: App, now: float) -> Table:
    """Return an app's settings, one a row."""
    return _details(
        [
            ("name", app["name"]),
            ("repository", app["repository"]),
            ("port", app["port"]),
            ("cpus", f"{app['cpus']:g}"),
            ("mem", f"{app['mem']} MB"),
            ("max previews", app["max_previews"]),
            ("health", app["health"]),
            ("idle after", _idle(app)),
            *(("keep warm", f"{hours} UTC") for hours in app["keep_warm"]),
            *(("constraint", constraint) for constraint in app["constraints"]),
            ("added", ago(app["created"], now)),
        ]
    )


def preview_details(preview: Preview, now: float) -> Table:
    """Return what is known of a preview, one thing a row."""
    agent = preview["agent"]
    host = agent["host"] or agent["id"] if agent else ""
    where = f"{host}:{preview['host_port']}" if host and preview["host_port"] else host
    runs = preview["state"] == "running"
    doing = preview["reason"] if runs else progress(preview, now).removeprefix("failed: ")
    return _details(
        [
            ("app", preview["app"]),
            ("commit", preview["sha"]),
            ("labels", ", ".join(preview["labels"])),
            ("state", Text(preview["state"], _STYLES.get(preview["state"], "yellow"))),
            ("", doing),
            ("pinned", "yes" if preview["pinned"] else ""),
            *(("address", url) for url in preview["urls"] or [preview["url"]]),
            ("agent", where),
            ("task", preview["task_id"] or ""),
            ("since", ago(preview["changed"], now)),
            ("used", ago(preview["last_used"], now)),
        ]
    )


def _idle(app: App) -> str:
    return duration(app["idle_after"]) if app["idle_after"] else "never"


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, no_wrap=True, overflow="ignore")
    return table


def _details(rows: Sequence[tuple[str, object]]) -> Table:
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(no_wrap=True, overflow="ignore")
    for name, value in rows:
        if str(value):
            table.add_row(name, _cell(value))
    return table


def _cell(value: object) -> Text:
    return value if isinstance(value, Text) else Text(one_line(str(value)))
