"""The command that looks at a repository."""

from collections.abc import Mapping
from pathlib import Path

import click

from cli.checks import check_display
from cli.client.generated.records import Check
from cli.command_context import CommandContext
from cli.commands.apps import given_settings, located, settings
from cli.display.output import note, show, show_json
from cli.display.progress import waiting_line
from cli.errors import ApiRefused, NotDone
from cli.names.arguments import as_json

_LOGIN = (
    "Check that the framework's machine can read it. A repository that needs a login is an app "
    "first: `prevs app add NAME REPOSITORY --unchecked`, then `prevs credential set NAME`."
)


@click.command()
@click.argument("repository")
@settings
@click.option("--ref", help="A branch, a tag or a whole commit id. Usual: the default branch.")
@click.option("--dockerfile", is_flag=True, help="Print only the Dockerfile that prevs writes.")
@as_json
@click.pass_obj
def check(
    context: CommandContext,
    /,
    repository: str,
    *,
    dockerfile: bool,
    as_json: bool,
    **options: object,
) -> None:
    """Say what prevs would build and run of the git repository REPOSITORY, and add nothing.

    REPOSITORY is as for `prevs app add`, and so are the settings. One commit is read, without a
    credential. The command fails if something keeps the commit from being built.

    \b
    Examples:
      prevs app check https://git.example.org/shop.git
      prevs app check ./monorepo --folder services/web --ref feature/x
      prevs app check ./site --dockerfile > site/Dockerfile
    """
    there = located(repository, Path.cwd())
    found = _ask(context, there, given_settings(options))
    if as_json:
        show_json(found)
    elif dockerfile:
        _print_dockerfile(found)
    else:
        _show(found)
    if not found["runs"]:
        raise NotDone(*check_display.explain(found))
    if not (as_json or dockerfile):
        note(f"`prevs app add NAME {there}` adds it, with the same settings.")


def _ask(context: CommandContext, repository: str, options: Mapping[str, object]) -> Check:
    with waiting_line() as line:
        line.show(f"The framework reads a commit of {repository}.", 0)
        try:
            return context.api.check_repository({"repository": repository, **options})
        except ApiRefused as exc:
            if exc.problem.slug != "repository-unreachable":
                raise
            raise NotDone(str(exc), _LOGIN) from exc


def _print_dockerfile(found: Check) -> None:
    """Print the recipe. Raises NotDone if the commit needs none."""
    plan = found["plan"]
    if plan and not plan["recipe"]:
        raise NotDone(
            f"prevs writes no Dockerfile for this commit: it is built from {plan['source']}.",
            "Without --dockerfile, `prevs app check` says how.",
        )
    if plan and plan["recipe"]:
        click.echo(plan["recipe"]["dockerfile"], nl=False)


def _show(found: Check) -> None:
    show(check_display.details(found))
    if plan := found["plan"]:
        click.echo()
        show(check_display.containers(plan["containers"]))
    for title, lines in check_display.list_sections(found):
        click.echo()
        click.secho(title, bold=True)
        for line in lines:
            click.echo(f"  {line}")
