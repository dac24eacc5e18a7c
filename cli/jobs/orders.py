"""What people ask for: the options of a job, and the orders that the API gets for them."""

import base64
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

import click

from cli.names import completion
from cli.names.declared_options import option_of
from prevs import names
from prevs.declarations import list_settings
from prevs.job_settings import JobSettings

Command = TypeVar("Command", bound=Callable[..., Any])
Order = dict[str, object]

MOST_PAYLOAD = 64 * 1024
"""Bytes of a payload."""
MOST_JOBS = 1000
"""Jobs in one request."""
MOST_SIZE = 512 * 1024
"""Bytes of a request with several jobs, so that they can be stored together."""

_OPTIONS = (
    click.option("--job", metavar="NAME", help="Run [jobs.NAME] of the commit's .prevs.toml."),
    click.option(
        "-e",
        "environment",
        multiple=True,
        metavar="KEY[=VALUE]",
        help="A variable for this job alone; without a value, as it is here. Needs scope admin.",
    ),
    click.option(
        "--callback",
        metavar="NAME",
        shell_complete=completion.receivers,
        help="Tell this receiver of the app (`prevs notify ls`) when the job has ended.",
    ),
    *map(option_of, list_settings(JobSettings)),
)

_ON = frozenset(one.name for one in list_settings(JobSettings) if one.default is True)
"""The terms that hold unless somebody says no."""


class TakesCommand(click.Command):
    """A command that takes another one, after `--`, as the parameter `command`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse what comes before `--`."""
        at = args.index("--") if "--" in args else len(args)
        left = super().parse_args(ctx, args[:at])
        ctx.params["command"] = args[at + 1 :]
        return left

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        """Return the words of the synopsis."""
        return [*super().collect_usage_pieces(ctx), "[-- COMMAND...]"]


def order_options(command: Command) -> Command:
    """Add the options that describe a job."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def build_order(
    label: str,
    environ: Mapping[str, str],
    *,
    command: Sequence[str],
    job: str | None,
    environment: Iterable[str],
    **terms: object,
) -> Order:
    """Return the order for a job at a label."""
    if bool(command) == bool(job):
        raise click.UsageError("Give either --job NAME, or -- and the command.")
    order: Order = {"label": names.slug(label)}
    order |= {"job": job} if job else {"command": list(command)}
    order |= {name: value for name, value in terms.items() if _is_said(name, value)}
    if variables := dict(_read_variables(environment, environ)):
        order["environment"] = variables
    return order


def _is_said(name: str, value: object) -> bool:
    """Return whether somebody has given an option of a job."""
    return bool(value) or type(value) in (int, float) or (value is False and name in _ON)


def name_order(order: Order) -> str:
    """Return what an order runs: the first word of its command, or the name of its job."""
    command = order.get("command")
    return str(command[0]) if isinstance(command, list) else str(order["job"])


def with_payload(order: Order, payload: bytes, what: str) -> Order:
    """Return an order with a payload. `what` names it in the error."""
    if len(payload) > MOST_PAYLOAD:
        raise click.UsageError(
            f"{what} has more than {MOST_PAYLOAD:,} bytes, the most that a job takes. Put the data "
            "where the command can fetch it."
        )
    return order | {"payload_base64": base64.b64encode(payload).decode()}


def read_payloads(order: Order, lines: Iterable[bytes]) -> list[Order]:
    """Return an order for each line that is not empty, with it as the payload."""
    found = [
        with_payload(order, line.rstrip(b"\r\n"), f"Line {number}")
        for number, line in enumerate(lines, 1)
        if line.strip()
    ]
    if not found:
        raise click.UsageError("The file of --each has no lines.")
    return found


def split(orders: Sequence[Order]) -> Iterator[list[Order]]:
    """Yield the orders in portions that fit in a request each."""
    portion: list[Order] = []
    size = 0
    for order in orders:
        more = len(json.dumps(order))
        if portion and (len(portion) == MOST_JOBS or size + more > MOST_SIZE):
            yield portion
            portion, size = [], 0
        portion.append(order)
        size += more
    if portion:
        yield portion


def _read_variables(given: Iterable[str], environ: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for text in given:
        name, equals, value = text.partition("=")
        if not equals and name not in environ:
            raise click.UsageError(f"-e {name}: there is no such variable here. Give {name}=VALUE.")
        yield name, value if equals else environ[name]
