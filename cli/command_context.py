"""What commands get from outside: the environment, the API, and the clock."""

import functools
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from cli.client import credentials
from cli.display.output import note

if TYPE_CHECKING:  # its imports would take longer than most commands that need no API
    from cli.client.api import Api


class CommandContext:
    """Created and closed by main; click passes it to each command."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.environ = environ

    def close(self) -> None:
        """Close the connections to the API, if any."""
        if "api" in self.__dict__:
            self.api.close()

    @functools.cached_property
    def api(self) -> "Api":
        """The API that the environment names. Raises BadCredentials."""
        known = credentials.read(self.environ)
        from cli.client.api import Api

        return Api(known, hold=self._hold)

    def now(self) -> float:
        """Return the time, in seconds since the epoch."""
        return time.time()

    def pause(self, seconds: float) -> None:
        """Block for some seconds."""
        time.sleep(seconds)

    def _hold(self, seconds: float) -> None:
        note(f"The API limits the calls of this token. Trying again in {seconds:g} s ...")
        self.pause(seconds)
