"""The reference of the command line, from the commands themselves."""

import inspect
from collections.abc import Iterable, Iterator

import click

from cli.__main__ import prevs
from docs.generated.tables import code, table

_INTRODUCTION = """\
# Command line

This page is generated from the commands: `prevs COMMAND --help` shows the same.

`PREVS_API` is the address of the API (if there are several frameworks, all their addresses,
separated by commas), and `PREVS_TOKEN` your token. Without them the commands use the cluster of
`prevs local up`. Every list has `--json`: [its keys are stable](stable.md), tables are for reading.

| exit status | means |
|---|---|
| 0 | done |
| 1 | failure; the message says why, and what to do next |
| 2 | wrong use |
| 130 | interrupted |

Commands that remove something (`rm`, `unset`, `prevs stack close`, `prevs forge hook --off`) say
what goes too, and ask. With `--yes` they do not ask. Where nobody can be asked, because the
standard input is no terminal, they need `--yes` ([why](decisions/0129-questions.md)).

`prevs run` has the exit status of its command; [jobs](jobs.md#exit-status) has the others.
"""


def page() -> str:
    """Return the page in Markdown."""
    context = _context(prevs, "prevs", None)
    lines = [_INTRODUCTION, "## All commands", "```text", *_tree(context), "```"]
    for each in _walk(context):
        lines += _show(each)
    return "\n".join(lines)


def _context(command: click.Command, name: str, parent: click.Context | None) -> click.Context:
    # As wide as its synopsis is: a line of it is not broken.
    return click.Context(
        command, info_name=name, parent=parent, max_content_width=1000, terminal_width=1000
    )


def _children(context: click.Context) -> Iterator[click.Context]:
    if isinstance(context.command, click.Group):
        for name in context.command.list_commands(context):
            command = context.command.get_command(context, name)
            if command is not None and not command.hidden:
                yield _context(command, name, context)


def _walk(context: click.Context) -> Iterator[click.Context]:
    for child in _children(context):
        yield child
        yield from _walk(child)


def _tree(context: click.Context) -> list[str]:
    names = [(each.command_path, each.command.get_short_help_str(100)) for each in _walk(context)]
    width = max(len(name) for name, _ in names)
    return [f"{name:<{width}}  {says}" for name, says in names]


def _show(context: click.Context) -> Iterable[str]:
    command = context.command
    level = "#" * min(4, context.command_path.count(" ") + 1)
    yield from (
        "",
        f"{level} {code(context.command_path)} {{ #{context.command_path.replace(' ', '-')} }}",
        "",
    )
    short, _, rest = inspect.cleandoc(command.help or "").partition("\n\n")
    yield from (_text(short), "")
    if not isinstance(command, click.Group):
        usage = " ".join(command.collect_usage_pieces(context))
        yield from ("```text", f"{context.command_path} {usage}", "```", "")
    yield _text(rest)
    if isinstance(command, click.Group):
        return
    rows = [record for param in command.params if (record := _option(param, context))]
    if rows:
        yield from table(("option", "meaning"), rows)


def _option(param: click.Parameter, context: click.Context) -> list[str] | None:
    if not isinstance(param, click.Option) or param.hidden:
        return None
    record = param.get_help_record(context)
    if record is None:
        return None
    names, says = record
    return [code(names), _escape(says)]


def _text(text: str) -> str:
    """Return a help text as Markdown; a paragraph after \\b keeps its lines."""
    paragraphs = []
    for paragraph in text.split("\n\n") if text else ():
        lines = paragraph.splitlines()
        if lines and lines[0].strip() == "\b":
            paragraphs.append("\n".join(["```text", *lines[1:], "```"]))
        else:
            paragraphs.append(_escape(paragraph))
    return "\n\n".join(paragraphs)


def _escape(text: str) -> str:
    """Return a text as Markdown. What is between backticks is code already."""
    parts = text.split("`")
    parts[::2] = [
        part.replace("<", "&lt;").replace("*", "\\*").replace("_", "\\_") for part in parts[::2]
    ]
    return "`".join(parts)
