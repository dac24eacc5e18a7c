"""The commands about visitors: who may look at an app's previews, share links, passes.

No password is ever an argument: the shell's history keeps arguments, and others can read them in
/proc.
"""

import re
from collections.abc import Mapping
from typing import IO

import click

from cli.client.generated import choices
from cli.client.generated.records import NewPass, ShownAccess
from cli.command_context import CommandContext
from cli.commands.secrets import read_value
from cli.commands.sections import Group
from cli.display import tables
from cli.display.output import note, show, show_json
from cli.display.sentences import clock_time
from cli.names import completion, lookup
from cli.names.arguments import app_argument, as_json, confirm, label_argument, yes

_DAYS: Mapping[str, float] = {"d": 1.0, "h": 1 / 24}
_TIME = re.compile(r"([1-9][0-9]{0,3})([dh])", re.ASCII)
_NO_TLS = (
    "The previews have no https addresses: others on the way can read passwords and passes. "
    "docs/operating/tls.md shows how to change that."
)


def _read_days(_ctx: click.Context, _param: click.Parameter, value: str | None) -> float | None:
    """Return a time as people type it, 7d or 12h, in days."""
    if value is None:
        return None
    read = _TIME.fullmatch(value)
    if read is None:
        raise click.BadParameter(f"{value!r} is not a time such as 7d or 12h.")
    return int(read[1]) * _DAYS[read[2]]


_days = click.option(
    "--for", "days", metavar="TIME", callback=_read_days, help="When it ends: in 7d, 12h, ..."
)


@click.command("access")
@app_argument
@click.argument("mode", type=click.Choice(choices.CHANGE_ACCESS_ACCESS), required=False)
@click.option("--password-file", type=click.File("rb"), help="Read the password from this file.")
@click.option(
    "--preflight/--no-preflight",
    default=None,
    help="Let CORS preflights reach running previews without a pass.",
)
@click.option("--end", is_flag=True, help="Put everybody out, and end all passes.")
@as_json
@click.pass_obj
def change_access(
    context: CommandContext,
    /,
    app: str,
    mode: str | None,
    *,
    password_file: IO[bytes] | None,
    preflight: bool | None,
    end: bool,
    as_json: bool,
) -> None:
    """Show or change who may look at the previews of APP.

    With public, everybody may. With password, visitors must enter it, or need a pass; the password
    comes from --password-file, stdin or a prompt. With team, visitors must sign in and have a role
    for APP (`prevs role add`), or need a pass. Another mode or password puts everybody out, and
    ends all passes.

    \b
    Examples:
      prevs access shop                      # shows it
      prevs access shop password             # prompts for the password
      prevs access shop team                 # its team signs in
      prevs access shop --preflight          # the frontend calls its API from another address
      prevs access shop --end                # everybody has to enter again
    """
    if password_file and mode != "password":
        raise click.UsageError("--password-file can only go with password.")
    if end and (mode or preflight is not None):
        raise click.UsageError("--end can only be alone.")
    api = context.api
    if end:
        found = api.end_access(app)
    elif mode or preflight is not None:
        order: dict[str, object] = {"access": mode or api.show_access(app)["access"]}
        if mode == "password":
            order["password"] = read_value(password_file, f"Password for visitors of {app}")
        if preflight is not None:
            order["preflight"] = preflight
        found = api.change_access(app, order)
    else:
        found = api.show_access(app)
    _show_access(context, found, as_json=as_json)
    note_refused(context, "access", app)


def _show_access(context: CommandContext, found: ShownAccess, *, as_json: bool) -> None:
    if as_json:
        show_json(found)
    else:
        show(tables.access_details(found))
        if found["passes"]:
            click.echo()
            show(tables.passes(found["passes"], context.now()))
    if found["access"] != "public":
        _warn_without_tls(is_safe=found["https"])


def note_refused(context: CommandContext, kind: str, app: str | None) -> None:
    """Print which gates, stacks or accesses (of an app) count for nothing: nobody trusts them."""
    for one in context.api.list_refused(kind, app):
        note(one["detail"])


@click.command("share")
@app_argument
@label_argument
@_days
@click.option("--name", help="A name for it in lists.")
@as_json
@click.pass_obj
def share(
    context: CommandContext,
    app: str,
    label: str,
    *,
    days: float | None,
    name: str | None,
    as_json: bool,
) -> None:
    """Print a link that opens the preview LABEL of APP, without a password or an account.

    Anybody who has the link may look, until it ends: after 7 days, or after --for, 30 days at most.

    \b
    Examples:
      prevs share shop main --for 2d --name demo
    """
    with lookup.naming(label):
        found = context.api.show_label(app, label)["label"]
    made = _issue(context, app, kind="share", label=found, days=days, name=name)
    _show_new(app, made, made["link"] or "", as_json=as_json)


@click.group("pass", cls=Group)
def visitor_pass() -> None:
    """Issue, list and revoke the passes of an app's visitors; share links are passes, too.

    A program sends its pass in the header X-Prevs-Access.
    """


@visitor_pass.command("add")
@app_argument
@click.argument("name")
@click.option("--label", help="Limit the pass to this label; without, it opens all of APP.")
@_days
@as_json
@click.pass_obj
def add_pass(
    context: CommandContext,
    app: str,
    name: str,
    *,
    label: str | None,
    days: float | None,
    as_json: bool,
) -> None:
    """Issue the pass NAME for a program, and print it. It is never shown again.

    It ends after 90 days, or after --for, 366 days at most. Needs a token of scope admin.

    \b
    Examples:
      PASS="$(prevs pass add shop ci)"
      curl -H "X-Prevs-Access: $PASS" https://main--shop.prevs.example/
    """
    made = _issue(context, app, kind="machine", label=label, days=days, name=name)
    _show_new(app, made, made["text"], as_json=as_json)


@visitor_pass.command("ls")
@app_argument
@as_json
@click.pass_obj
def list_passes(context: CommandContext, app: str, *, as_json: bool) -> None:
    """List the passes and share links of APP that count."""
    passes = context.api.show_access(app)["passes"]
    if as_json:
        show_json(passes)
    elif passes:
        show(tables.passes(passes, context.now()))
    else:
        note(f"{app} has no passes. `prevs share {app} LABEL` and `prevs pass add` issue them.")


@visitor_pass.command("rm")
@app_argument
@click.argument("name", shell_complete=completion.passes)
@yes
@click.pass_obj
def remove_pass(context: CommandContext, app: str, name: str, yes: bool) -> None:
    """Revoke the pass or share link NAME of APP at once. The command asks for confirmation."""
    passes = context.api.show_access(app)["passes"]
    found = [one for one in passes if name in (one["name"], one["id"])]
    if found and not yes:
        what = "link to share" if found[0]["kind"] == "share" else "pass"
        opens = found[0]["label"] or "all of it"
        confirm(
            f"Revoke the {what} {name} of {app}?",
            f"It opens {opens} until {clock_time(found[0]['until'])}. Who has entered with it is "
            "put out at once.",
        )
    # If there is none, the API has the message.
    context.api.revoke_pass(app, found[0]["id"] if found else name)
    note(f"The pass {name} of {app} is revoked.")


def _issue(context: CommandContext, app: str, **order: object) -> NewPass:
    """Issue a pass; what is None is left out."""
    # First, because nothing may fail between the pass and its only display.
    _warn_without_tls(is_safe=context.api.show_access(app)["https"])
    given = {key: value for key, value in order.items() if value is not None}
    return context.api.issue_pass(app, given)


def _show_new(app: str, made: NewPass, text: str, *, as_json: bool) -> None:
    if as_json:
        show_json(made)
    else:
        click.echo(text)
    note(f"Save it now: it is not shown again. It ends at {clock_time(made['until'])}.")
    note(f"`prevs pass rm {app} {made['name']}` revokes it.")


def _warn_without_tls(*, is_safe: bool) -> None:
    if not is_safe:
        note(_NO_TLS)


COMMANDS = (change_access, share, visitor_pass)
