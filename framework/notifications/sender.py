"""The edge to receivers: one POST over HTTP, to an address that was checked.

The connection goes to that very address: a nameserver may give another one a moment later. No
proxy of the environment is used, because it would resolve the name by itself.
"""

import asyncio
import contextlib
import re
import socket
import ssl
import threading
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import httpx

from framework.apps import receiver_address
from framework.apps.receiver_address import Place
from framework.apps.receivers import Receiver
from framework.clock import Clock
from framework.hooks import standard_webhooks
from framework.notifications import bodies
from framework.notifications.bodies import Fields
from framework.notifications.outbox import LONGEST_PAUSE, Fate
from framework.ports.notifications import LastTry
from program.networks.reserved import NEVER, Network
from program.text.foreign_text import drop_unseen

_MOST_ADDRESSES = 4
_LONGEST_WHY = 200
_REFUSALS = (400, 413, 422)
"""What a receiver says of one message, and would say again."""
_SECONDS = re.compile(r"\d{1,6}", re.ASCII)


class Limits(NamedTuple):
    """Seconds to connect to one address, and for everything until the answer's status."""

    connect: float = 5.0
    whole: float = 10.0


class Outcome(NamedTuple):
    """What came of a try; `wait` is how many seconds the receiver wants to be left alone."""

    fate: Fate
    last: LastTry
    wait: float = 0.0


Resolve = Callable[[str, int], Sequence[str]]
"""Returns the addresses of a host, none if it has none. Blocks."""


def resolve(host: str, port: int) -> Sequence[str]:
    """Return the addresses of a host, from this machine's resolver."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return ()
    return tuple(dict.fromkeys(str(entry[4][0]) for entry in found))


class Sender:
    """Sends notifications to allowed `hosts`; belongs to one event loop."""

    def __init__(
        self,
        hosts: Sequence[str],
        control_plane: Callable[[], Iterable[str]],
        clock: Clock,
        *,
        resolve: Resolve = resolve,
        never: Sequence[Network] = NEVER,
        limits: Limits = Limits(),  # noqa: B008 # a value
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """`control_plane` returns the networks of the installation's own machines."""
        self.hosts = hosts
        self._control_plane = control_plane
        self._clock = clock
        self._resolve = resolve
        self._never = never
        self._limits = limits
        self._tls = tls or ssl.create_default_context()

    async def send(self, receiver: Receiver, message_id: str, event: Fields) -> Outcome:
        """Send an event to a receiver. Raises nothing that a receiver causes."""
        host, whole = receiver_address.find_host(receiver.url), self._limits.whole
        try:
            async with asyncio.timeout(whole):
                return await self._send(receiver, message_id, bodies.write(receiver.format, event))
        except (TimeoutError, httpx.TimeoutException):
            why = f"has not answered within {whole:g} s"
        except _NoWay as error:
            why = str(error)
        except httpx.ConnectError as error:
            why = f"cannot be reached ({drop_unseen(str(error))[:_LONGEST_WHY]})"
        except (httpx.HTTPError, httpx.InvalidURL):
            # The text of others may have parts of an answer.
            why = "broke off its answer, or does not speak HTTP"
        return Outcome(Fate.FAILED, LastTry(self._clock.now(), None, f"{host} {why}."))

    async def _send(self, receiver: Receiver, message_id: str, body: bytes) -> Outcome:
        place = receiver_address.read(receiver.url)
        if place is None or not receiver_address.is_allowed(place.host, self.hosts):
            raise _NoWay("is none of the hosts that the operator allows (PREVS_NOTIFY_HOSTS)")
        headers = self._make_headers(receiver, message_id, body)
        addresses = await self._find_addresses(place)
        for address in addresses[:-1]:
            with contextlib.suppress(httpx.ConnectError, httpx.ConnectTimeout):
                return await self._post(place, address, headers, body)
        return await self._post(place, addresses[-1], headers, body)

    def _make_headers(self, receiver: Receiver, message_id: str, body: bytes) -> dict[str, str]:
        timestamp = str(int(self._clock.now()))
        return {
            "Content-Type": "application/json",
            "User-Agent": "prevs",
            "webhook-id": message_id,
            "webhook-timestamp": timestamp,
            "webhook-signature": standard_webhooks.sign(
                receiver.secret, message_id, timestamp, body
            ),
        }

    async def _find_addresses(self, place: Place) -> Sequence[str]:
        """Return the addresses at which a host may be contacted. Raises _NoWay."""
        found = await _in_thread(lambda: self._resolve(place.host, place.port))
        if not found:
            raise _NoWay("has no address: compare its name with what nameservers know")
        usable = receiver_address.find_open(
            place.host, found, self.hosts, self._control_plane(), never=self._never
        )
        if not usable:
            raise _NoWay(
                f"leads to {', '.join(found[:_MOST_ADDRESSES])}, where notifications do not go: "
                "the operator can list a host of a private network by its name in "
                "PREVS_NOTIFY_HOSTS, and one of prevs's own machines by its address"
            )
        return usable[:_MOST_ADDRESSES]

    async def _post(
        self, place: Place, address: str, headers: dict[str, str], body: bytes
    ) -> Outcome:
        literal = f"[{address}]" if ":" in address else address
        # A client of its own for each request: a connection to an address must not be used again
        # for another name at it, whose certificate was not checked. The body is not read: no text
        # of a receiver is shown.
        async with (
            httpx.AsyncClient(
                verify=self._tls,
                trust_env=False,
                timeout=httpx.Timeout(None, connect=self._limits.connect),
            ) as client,
            client.stream(
                "POST",
                f"{place.scheme}://{literal}:{place.port}{place.path}",
                headers={"Host": place.authority, **headers},
                content=body,
                extensions={"sni_hostname": place.host},
            ) as response,
        ):
            return self._judge(place.host, response.status_code, response.headers)

    def _judge(self, host: str, status: int, headers: httpx.Headers) -> Outcome:
        now = self._clock.now()
        if httpx.codes.is_success(status):
            return Outcome(Fate.TAKEN, LastTry(now, status, ""))
        if httpx.codes.is_redirect(status):
            why = f"redirects ({status}), which prevs does not follow: add the address it leads to"
        elif status in _REFUSALS:
            why = f"refuses this notification ({status}): compare the format it expects"
        elif status in (401, 403, 404, 410):
            why = f"does not take notifications at this address ({status}): compare the address"
        else:
            why = f"answered with the status {status}"
        fate = Fate.REFUSED if status in _REFUSALS else Fate.FAILED
        return Outcome(fate, LastTry(now, status, f"{host} {why}."), _read_wait(headers))


class _NoWay(Exception):
    """There is no address to connect to; the text goes on after the host's name."""


def _read_wait(headers: httpx.Headers) -> float:
    text = headers.get("retry-after", "").strip()
    return min(float(text), LONGEST_PAUSE) if _SECONDS.fullmatch(text) else 0.0


async def _in_thread(look_up: Callable[[], Sequence[str]]) -> Sequence[str]:
    """Call a function in a thread of its own: nothing else waits for a nameserver that hangs.

    The thread is a daemon, so it does not hold up the end of the program.
    """
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[Sequence[str]] = loop.create_future()

    def give(found: Sequence[str]) -> None:
        if not answer.done():
            answer.set_result(found)

    def run() -> None:
        found = look_up()
        with contextlib.suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(give, found)

    threading.Thread(target=run, daemon=True, name="resolver").start()
    return await answer
