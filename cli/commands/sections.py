"""The commands in groups, as `prevs --help` shows them."""

import importlib
import importlib.util

import click

_SECTIONS = {
    "Previews": ("start", "open", "ls", "show", "logs", "stop", "retry", "pin", "unpin"),
    "Jobs": ("run", "job", "schedule", "bisect"),
    "Apps": (
        "app",
        "gate",
        "stack",
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
    "backup": (
        "local.console.backups",
        "Write all that this installation needs to FILE, sealed by a pass phrase.",
    ),
    "restore": (
        "local.console.backups",
        "Restore what `prevs backup` has written to FILE, where nothing runs.",
    ),
    "local": ("local.console.commands", "Run all of prevs on this machine."),
    "login": (
        "cli.commands.login",
        "Sign in with the identity provider, so that commands act as you, with your roles.",
    ),
    "logout": ("cli.commands.login", "Forget the token of `prevs login` on this machine."),
    "doctor": ("cli.doctor.command", "Check every part, and show how to fix what is wrong."),
}
"""Commands that are imported only when they are used: the module, and the help until then."""

_SYNONYMS = {"remove": "rm", "delete": "rm", "list": "ls", "create": "add"}
"""Names that other programs use for our commands. A search for similar names does not find them."""


class Group(click.Group):
    """A group of commands. For a name that other programs use, it suggests ours."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command that was named. Raises click.UsageError."""
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
        module, _ = _LATER[cmd_name]
        loaded: click.Command = getattr(importlib.import_module(module), cmd_name)
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
        return _LATER[name][1] if name in _LATER else self.commands[name].get_short_help_str(100)


def _is_there(name: str) -> bool:
    """Return whether a command's module exists. The command line may be installed alone."""
    module, _ = _LATER[name]
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False
