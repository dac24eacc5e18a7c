"""The thread that keeps a subscription up.

It replaces the loop of pymesos's Process. That loop ends, and tears the framework down, on any
exception. It also tries again without a pause, and never notices a silent peer.
"""

from __future__ import annotations

import logging
import os
import random
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Optional

from driver import calls, library
from driver.calls import Place
from driver.connection import Connection, LinkOver, wait
from driver.errors import NotConnected, ThreadDied
from driver.pace import Pace, retry_delay

logger = logging.getLogger(__name__)

_JOIN_LIMIT_SECONDS = 5.0


class Link(library.Process):
    """A pymesos process that lives until `stop`, whatever the other side does.

    A subclass provides the body of SUBSCRIBE (`subscription`). The link calls its `lost`, `waiting`
    and `died` on the link's thread. `appoint`, `stop`, `is_subscribed` and `problem` may be used
    from any thread and don't block (`stop` waits some seconds for the thread to end).
    """

    def _begin(
        self,
        *,
        path: str,
        pace: Pace,
        http_timeout: float,
        tls: Optional[ssl.SSLContext] = None,
    ) -> None:
        """Set up what pymesos's constructor has no arguments for."""
        self._path = path
        self._pace = pace
        self._http_timeout = http_timeout
        self._tls = tls
        self._connection: Connection | None = None
        self._subscribed_at: tuple[str, str] | None = None
        self._appointed: str | None = self._new_master
        self._at_once = False
        self._silence_limit: float | None = None
        self._abandoned: LinkOver | None = None
        self._last_received = 0.0
        self._failures = 0
        self._retry_after = 0.0
        self.problem = "not started"

    def subscription(self) -> Mapping[str, Any]:
        """Return the body of a SUBSCRIBE."""
        raise NotImplementedError

    def authorization(self) -> str | None:
        """Return the value of the Authorization header of every request, None for none."""
        raise NotImplementedError

    def lost(self, over: LinkOver, *, was_subscribed: bool) -> None:
        """Handle the end of a try or a subscription. Another try follows."""
        raise NotImplementedError

    def died(self, error: ThreadDied) -> None:
        """Handle the end of the thread by a defect."""
        raise NotImplementedError

    def wait_until(self) -> float | None:
        """Return when to call `waiting` (monotonic seconds), None for never."""
        return None

    def waiting(self, now: float) -> None:
        """Check the time. The link calls this after each event, and at wait_until()."""

    @property
    def is_subscribed(self) -> bool:
        """Whether the other side has confirmed the subscription, and the link has not ended."""
        return self._subscribed_at is not None

    def subscribed(self, silence_limit: float | None) -> None:
        """Note that SUBSCRIBED came on the current connection. On the link's thread."""
        with self._lock:
            self._subscribed_at = (str(self._master), self.stream_id or "")
        self._silence_limit = silence_limit
        self._failures = 0
        self.problem = ""

    def abandon(self, subscription: tuple[str, str], why: str) -> None:
        """Give up a subscription if it is the current one: send no more calls to it. Any thread."""
        with self._lock:
            if self._subscribed_at != subscription or not self._started:
                return
            self._subscribed_at = None
            self._abandoned = LinkOver(why)
            self.problem = why
            self._notify()

    def appoint(self, master: str | None) -> None:
        """Follow this master (host:port) from now on, or none if it is None."""
        with self._lock:
            self._appointed = master
            self._at_once = True
        self.change_master(master)

    def change_master(self, new_master: str | None) -> None:
        """Follow a redirect until its link is lost."""
        # pymesos's own method requests a version first, and may block the caller for a day.
        library.Process.change_master(self, new_master)

    def gen_request(self) -> bytes:
        """Return the SUBSCRIBE that a new connection sends first."""
        return calls.subscribe_request(
            str(self._master), self._path, self.subscription(), self._headers()
        )

    def _headers(self) -> dict[str, str]:
        authorization = self.authorization()
        return {"Authorization": authorization} if authorization else {}

    def _send(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Send a call on the current subscription. Raises NotConnected, CallFailed."""
        calls.post(self._place(), body, limit=self._http_timeout, tls=self._tls)
        return {}

    def _place(self) -> Place:
        """Return where calls go on the current subscription."""
        with self._lock:
            at = self._subscribed_at
        if at is None:
            raise NotConnected(self.problem)
        (master, stream_id) = at
        # The stream id is a fence: the next subscription refuses calls meant for this one.
        return Place(master, self._path, {**self._headers(), "Mesos-Stream-Id": stream_id})

    def deliver(self, callback: Callable[..., None], *arguments: object) -> None:
        """Call the callback. Logs what it raises, and goes on."""
        try:
            callback(*arguments)
        except Exception:
            logger.exception("A callback of the driver failed")

    def process_event(self, event: dict[str, Any]) -> None:
        """Handle an event. If it cannot be read, only this event is lost."""
        try:
            super().process_event(event)
        except Exception:
            logger.exception("An event could not be handled: %.500r", event)

    def on_close(self) -> None:
        """Do nothing: the link calls `lost` instead, once per connection that existed."""

    def _shutdown(self) -> None:
        """Do nothing: the end of the thread is no reason to send TEARDOWN."""

    def start(self) -> None:
        """Start the thread."""
        self.problem = "no master is known yet"
        # pymesos's own method looks for the master on the caller's thread.
        library.Process.start(self)

    def stop(self) -> None:
        """End the link, and wait for its thread unless this is it. No callback follows."""
        library.Process.stop(self)
        thread = self._io_thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(_JOIN_LIMIT_SECONDS)

    def _run(self) -> None:
        death = None
        try:
            while self._started:
                self._turn()
        except BaseException as exc:  # its end must be noticed, whatever the reason
            logger.critical("The driver's thread has died", exc_info=True)
            death = ThreadDied(f"The driver's thread has died: {exc!r}")
            death.__cause__ = exc
        finally:
            self._end(death)

    def _end(self, death: ThreadDied | None) -> None:
        with self._lock:
            self._started = False
            self._subscribed_at = None
            fds, self._wakeup_fds = self._wakeup_fds, None
        for fd in fds or ():
            os.close(fd)
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        if death is not None:
            self.problem = str(death)
            self.deliver(self.died, death)
        elif not self.problem:
            self.problem = "stopped"

    def _turn(self) -> None:
        """Wait for the next event, and handle it."""
        self._follow()
        if (abandoned := self._abandoned) is not None:
            self._lose(abandoned)
        try:
            if self._connection is None:
                self._open()
            happened = self._wait()
            if self._connection is not None and happened:
                self._last_received = time.monotonic()
                self._connection.serve(happened)
            else:
                self._check_silence()
        except LinkOver as over:
            self._lose(over)
        self.waiting(time.monotonic())

    def _follow(self) -> None:
        """Switch to the master that was appointed, or that a redirect named."""
        with self._lock:
            if self._new_master == self._master:
                return
            before, self._master = self._master, self._new_master
            at_once, self._at_once = self._at_once, False
        if self._connection is not None:
            self._lose(LinkOver(f"the master is {self._master or 'unknown'} now, not {before}"))
        if at_once:
            self._retry_after = 0.0
        if self._master is None:
            self.problem = "no master is known"

    def _open(self) -> None:
        now = time.monotonic()
        if self._master is None or now < self._retry_after:
            return
        self.stream_id = None
        self._last_received = now
        if self._failures == 0:
            self.problem = f"{self._master} has not answered yet"
        self._connection = Connection(self._master, self, self._tls)

    def _wait(self) -> int:
        """Wait for the connection, a deadline or another thread.

        Returns the connection's poll events.
        """
        waker = self._wakeup_fds[0] if self._wakeup_fds else -1
        limit = min(self._deadlines(), default=None)
        seconds = None if limit is None else max(0.0, limit - time.monotonic())
        return wait(waker, self._connection, seconds)

    def _deadlines(self) -> Iterator[float]:
        if (own := self.wait_until()) is not None:
            yield own
        if self._connection is None:
            if self._master is not None:
                yield self._retry_after
        elif (limit := self._allowed_silence()) is not None:
            yield self._last_received + limit

    def _allowed_silence(self) -> float | None:
        """Return how many seconds the current connection may be silent."""
        if not self.is_subscribed:
            return self._pace.answer_limit
        return self._silence_limit

    def _check_silence(self) -> None:
        limit = self._allowed_silence()
        if self._connection is None or limit is None or self._abandoned is not None:
            return
        if time.monotonic() - self._last_received > limit:
            raise LinkOver(f"{self._master} has been silent for {limit:g} s")

    def _lose(self, over: LinkOver) -> None:
        """Close the connection, and schedule the next try."""
        with self._lock:
            was_subscribed = self._subscribed_at is not None or self._abandoned is not None
            self._subscribed_at = self._abandoned = None
            if over.status != 307:
                # A redirect holds for one link only. After that, go back to the appointed master.
                self._new_master = self._appointed
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        if not self._started:
            return
        self._failures += 1
        chance = random.random()  # noqa: S311 - it spreads load, it keeps no secret
        self._retry_after = time.monotonic() + retry_delay(self._pace, self._failures, chance)
        # An agent may be away for long: do not log the same reason with every try.
        level = logging.DEBUG if over.reason == self.problem else logging.WARNING
        logger.log(level, "The link to Mesos is down: %s", over.reason)
        self.problem = over.reason
        self.lost(over, was_subscribed=was_subscribed)
