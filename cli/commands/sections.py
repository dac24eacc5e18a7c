"""The commands in groups, as `prevs --help` shows them."""

import ast
import importlib
import importlib.util
from pathlib import Path

import click

_SECTIONS = {
    "Previews": (
        "start",
        "open",
        "ls",
        "show",
        "logs",
        "stop",
        "retry",
        "restart",
        "pin",
        "unpin",
    ),
    "Jobs": ("run", "job", "schedule", "bisect"),
    "Apps": (
        "app",
        "gate",
        "stack",
        "data",
        "env",
        "credential",
        "forge",
        "notify",
        "refs",
        "commits",
        "pulls",
        "approve",
    ),
    "Cluster": ("agents", "queue", "events"),
    "Access": ("login", "logout", "access", "share", "pass", "role", "token", "audit"),
    "This machine": ("local", "doctor", "backup", "restore", "key", "completion"),
}
_LATER = {
    "backup": "local.console.backups",
    "restore": "local.console.backups",
    "local": "local.console.commands",
    "login": "cli.commands.login",
    "logout": "cli.commands.login",
    "doctor": "cli.doctor.command",
}
"""Commands that are imported only when they are used, and their modules."""

_SYNONYMS = {"remove": "rm", "delete": "rm", "list": "ls", "create": "add"}
"""Names that other programs use for our commands. A search for similar names does not find them."""


class Group(click.Group):
    """A group of commands. For a name that other programs use, it suggests ours."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command that was named."""
        meant = _SYNONYMS.get(args[0]) if args else None
        if meant is not None and self.get_command(ctx, args[0]) is None and meant in self.commands:
            ctx.fail(f"No such command {args[0]!r}. Did you mean {meant!r}?")
        return super().resolve_command(ctx, args)


class Sections(Group):
    """The root of the commands."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the commands, in the order of the sections."""
        known = {*super().list_commands(ctx), *filter(_is_there, _LATER)}
        return [name for names in _SECTIONS.values() for name in names if name in known]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command by its name."""
        if cmd_name not in _LATER or not _is_there(cmd_name):
            return super().get_command(ctx, cmd_name)
        loaded: click.Command = getattr(importlib.import_module(_LATER[cmd_name]), cmd_name)
        return loaded

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands, section by section."""
        known = self.list_commands(ctx)
        width = max(map(len, known))
        for title, names in _SECTIONS.items():
            rows = [(f"{name:<{width}}", self._describe(name)) for name in names if name in known]
            with formatter.section(title):
                formatter.write_dl(rows)

    def _describe(self, name: str) -> str:
        return _read_help(name) if name in _LATER else self.commands[name].get_short_help_str(100)


def _is_there(name: str) -> bool:
    """Return whether a command's module exists. The command line may be installed alone."""
    return _find_source(name) is not None


def _find_source(name: str) -> str | None:
    try:
        spec = importlib.util.find_spec(_LATER[name])
    except ModuleNotFoundError:
        return None
    return spec.origin if spec else None


def _read_help(name: str) -> str:
    """Return the first line of a command's help, from its source.

    To import all these modules would double the time of `prevs --help`.
    """
    source = ast.parse(Path(_find_source(name) or "").read_text(encoding="utf-8"))
    return next(
        (ast.get_docstring(one) or "").partition("\n")[0]
        for one in source.body
        if isinstance(one, ast.FunctionDef) and one.name == name
    )
