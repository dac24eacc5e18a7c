"""The command for an app's webhook: entered at its forge, or by hand."""

from typing import IO

import click

from cli.client.generated.records import EnteredHook, Hooks, NewHookSecret
from cli.command_context import CommandContext
from cli.commands.secrets import read_value
from cli.display import tables
from cli.display.output import note, show, show_json
from cli.errors import NotDone
from cli.names.arguments import app_argument, as_json, confirm, yes


@click.command("hook")
@app_argument
@click.option("--new", is_flag=True, help="With a new secret; the forge gets it too.")
@click.option("--file", type=click.File("rb"), help="Use the secret in this file; - is stdin.")
@click.option("--off", is_flag=True, help="Remove the secret: no webhook is accepted any more.")
@click.option("--former", is_flag=True, help="With --off, remove only the former secret.")
@yes
@as_json
@click.pass_obj
def enter_hook(
    context: CommandContext,
    /,
    app: str,
    *,
    new: bool,
    file: IO[bytes] | None,
    off: bool,
    former: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Enter APP's webhook at its forge, so that the forge announces each push.

    If the token for the forge may not do that, or the forge has no API for it, this prints what to
    enter there by hand. To repeat it is safe: it corrects the webhook that is there.

    A webhook has prevs look at once. While webhooks come, it looks every ten minutes instead of
    every ten seconds. The former secret stays valid until the next change. With --off the command
    asks for confirmation.

    \b
    Examples:
      prevs forge hook shop                    # enters it, or prints what to enter
      prevs forge hook shop --new              # another secret, printed if you have to enter it
      prevs forge hook shop --file token       # the secret that a forge has made
      prevs forge hook shop --off --former     # the forge has the new secret now
    """
    if [new, file is not None, off].count(True) > 1 or (former and not off):
        raise click.UsageError("Use one of --new, --file and --off; --former only with --off.")
    if off:
        if not yes:
            confirm(*_find_loss(app, former=former))
        context.api.unset_secret(app, former=former)
        note(f"{app} has no {'former' if former else 'webhook'} secret any more.")
        if not former:
            note("Remove the webhook at the forge too: from now on it is refused.")
    elif file:
        made = context.api.set_secret(app, {"value": read_value(file, "")})
        _show_given(made, as_json=as_json)
    else:
        secret = context.api.set_secret(app)["secret"] if new else None
        _enter(context, app, secret, as_json=as_json)


def _find_loss(app: str, *, former: bool) -> tuple[str, str]:
    """Return the question before a secret is removed, and what goes with it."""
    if former:
        question = f"Remove the former webhook secret of {app}?"
        return question, "Webhooks that are signed with it are refused at once."
    question = f"Remove the webhook secret of {app}?"
    return question, "No webhook is accepted any more, and prevs cannot show the secret again."


def _show_given(made: NewHookSecret, *, as_json: bool) -> None:
    if as_json:
        show_json(made)
    note(f"Enter this address at the forge: {made['url']}")


def _enter(context: CommandContext, app: str, secret: str | None, *, as_json: bool) -> None:
    """Enter the webhook. `secret` is one that was just made, and that nobody has seen yet."""
    entered = context.api.enter_hook(app)
    hooks = context.api.show_hooks(app)
    is_there = entered["outcome"] in ("made", "updated")
    entered["secret"] = None if is_there else entered["secret"] or secret
    if as_json:
        show_json({**hooks, **entered})
    else:
        show(tables.hook_details(hooks, context.now()))
        _explain(app, hooks, entered)
    if entered["outcome"] == "refused":
        raise NotDone(f"The webhook of {app} is not at the forge. {entered['why']}")


def _explain(app: str, hooks: Hooks, entered: EnteredHook) -> None:
    if entered["outcome"] in ("made", "updated"):
        done = "has it now" if entered["outcome"] == "made" else "had it; it is up to date now"
        note(f"The forge {done}. `prevs forge check {app}` shows whether it arrives.")
        return
    note(f"Enter it by hand. {entered['why']} {entered['advice']}".rstrip())
    note(hooks["where"])
    if secret := entered["secret"]:
        note("This is the secret. Save it now: it is not shown again.")
        click.echo(secret)
    elif hooks["has_secret"]:
        note(f"The secret is not shown again. `prevs forge hook {app} --new` makes another one.")
