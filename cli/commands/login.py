"""The commands to sign in as a person, and to sign out. Imported only when one of them runs."""

import webbrowser

import click

from cli.client import credentials, sign_in
from cli.client.sign_in import Given, Question
from cli.command_context import CommandContext
from cli.display.output import note
from cli.display.sentences import clock_time

_PATIENCE_S = 300.0


@click.command("login")
@click.argument("api", required=False)
@click.option(
    "--no-browser",
    is_flag=True,
    help="Print the address to open on any machine, and ask for the code that it shows.",
)
@click.pass_obj
def login(context: CommandContext, api: str | None, *, no_browser: bool) -> None:
    """Sign in with the identity provider, so that commands act as you, with your roles.

    API is the address of the framework's API; without it, the one in PREVS_API, or of the last
    time. The token ends twelve hours after you have signed in there. It is kept in a file that only
    you can read, in place of the one that was there. PREVS_TOKEN goes before it.

    \b
    Examples:
      prevs login https://api.prevs.example.org
      prevs login --no-browser               # over ssh
    """
    address = credentials.find_address(context.environ, api)
    question = sign_in.ask()
    code = _type_code(address, question) if no_browser else _await_code(address, question)
    given = sign_in.exchange(address, question, code)
    _keep(context, address, given)


@click.command("logout")
@click.pass_obj
def logout(context: CommandContext) -> None:
    """Forget the token of `prevs login` on this machine.

    It ends by itself. Whoever may have copied it can use it until then: an admin who takes your
    roles away (`prevs role rm`) ends it at once.
    """
    if credentials.forget_person(context.environ):
        note("The token is forgotten.")
    else:
        note("Nobody has signed in here: there is no token of `prevs login`.")


def _type_code(api: str, question: Question) -> str:
    note("Open this address in a browser, and sign in:")
    note(question.address(api), indent=2)
    code: str = click.prompt("Code", err=True)
    return code


def _await_code(api: str, question: Question) -> str:
    listener = sign_in.Listener(question)
    try:
        address = question.address(api, listener.port)
        note("Go on in the browser. If it does not open, open this address:")
        note(address, indent=2)
        webbrowser.open(address)
        return listener.wait(_PATIENCE_S)
    finally:
        listener.close()


def _keep(context: CommandContext, api: str, given: Given) -> None:
    path = credentials.write(context.environ, api, given.token)
    note(f"Signed in as {given.name} until {clock_time(given.until)}.")
    note(f"The token is in {path}. `prevs logout` forgets it.")
    if context.environ.get("PREVS_TOKEN"):
        note("PREVS_TOKEN is set and goes before it: unset it to act as yourself.")
