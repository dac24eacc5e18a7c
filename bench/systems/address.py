"""Visits previews through their addresses, as a client without a browser does."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import requests

from bench.harness.errors import BenchError
from bench.summary import Mark

_LIMIT = 120.0
_LOOK = 0.01  # seconds between two looks


@dataclass(frozen=True)
class System:
    """A running prevs: its API, and the domain and port of its addresses."""

    api: str
    token: str
    domain: str
    port: int


class Previews:
    """The previews of one app of a system."""

    def __init__(self, system: System, app: str) -> None:
        self._system = system
        self._app = app
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.headers["Authorization"] = f"Bearer {system.token}"

    def register(self, repository: str) -> None:
        """Add the app."""
        self._call("POST", "/v1/apps", json={"name": self._app, "repository": repository})

    def constrain(self, *constraints: str) -> None:
        """Limit the app to some agents, by their attributes."""
        self._call("PATCH", f"/v1/apps/{self._app}", json={"constraints": list(constraints)})

    def allow(self, **limits: float) -> None:
        """Let commits of the app ask for more, by the limits of the API."""
        self._call("PATCH", f"/v1/apps/{self._app}", json=limits)

    def remove(self) -> None:
        """Stop the app's previews and remove it."""
        self._call("DELETE", f"/v1/apps/{self._app}")

    def visit(self, sha: str, page: str) -> float:
        """Return the seconds from a request for a commit's address to its answer, `page`."""
        host = f"{sha}.{self._app}.{self._system.domain}:{self._system.port}"
        began = time.monotonic()
        answer = requests.get(
            f"http://127.0.0.1:{self._system.port}/", headers={"Host": host}, timeout=_LIMIT
        )
        seconds = time.monotonic() - began
        if answer.text != page:
            raise BenchError(f"{host} answers {answer.status_code}: {answer.text[:2000]}")
        return seconds

    def start(self, label: str) -> str:
        """Start a preview and return the commit of the label."""
        order = {"app": self._app, "label": label}
        sha: str = self._call("POST", "/v1/previews", json=order).json()["sha"]
        return sha

    def stop(self, sha: str) -> None:
        """Stop a preview and wait until nothing of it runs."""
        self._call("DELETE", f"/v1/previews/{self._app}/{sha}")
        self.wait(sha, "stopped")

    def wait(self, sha: str, wanted: str) -> None:
        """Wait until a preview is in the state `wanted`. Raises BenchError if it fails first."""
        deadline = time.monotonic() + _LIMIT
        while (state := (preview := self._find(sha))["state"]) != wanted:
            _check(preview)
            if time.monotonic() > deadline:
                raise BenchError(f"{sha[:12]} is still {state} after {_LIMIT:.0f} s")
            time.sleep(0.05)

    def wait_logged(self, sha: str, text: str) -> None:
        """Wait until a preview's log has a text. Raises BenchError if the preview fails first."""
        deadline = time.monotonic() + _LIMIT
        path = f"/v1/previews/{self._app}/{sha}/log"
        # There is no log before the first attempt.
        while text not in self._session.get(self._system.api + path, timeout=_LIMIT).text:
            self.check(sha)
            if time.monotonic() > deadline:
                raise BenchError(f"{sha[:12]} did not write {text!r} within {_LIMIT:.0f} s")
            time.sleep(0.1)

    def check(self, sha: str) -> None:
        """Raise BenchError with the reason if a preview has failed."""
        _check(self._find(sha))

    def _find(self, sha: str) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self._call("GET", f"/v1/previews/{self._app}/{sha}").json()
        return found

    def watch(self, sha: str, page: str) -> tuple[list[Mark], float]:
        """Start a preview; return when its state and phase changed, and when it answered.

        Polls every 10 ms, as the API's stream sends updates less often.
        """
        began = time.monotonic()
        marks = [Mark(0.0, "the API resolves the label")]
        self.start(sha)
        state = ""
        while state not in {"running", "failed", "stopped"}:
            preview = self._find(sha)
            state = preview["state"]
            phase = preview["phase"] if state in {"building", "starting"} else state
            name = state if phase in {state, ""} else f"{state}: {phase}"
            marks.append(Mark(time.monotonic() - began, name))
            time.sleep(_LOOK)
        self.visit(sha, page)
        return marks, time.monotonic() - began

    def _call(self, method: str, path: str, **more: Any) -> requests.Response:
        answer = self._session.request(method, self._system.api + path, timeout=_LIMIT, **more)
        if not answer.ok:
            raise BenchError(f"{method} {path} answers {answer.status_code}: {answer.text}")
        return answer


def _check(preview: Mapping[str, Any]) -> None:
    if preview["state"] == "failed":
        raise BenchError(f"{preview['sha'][:12]} has failed: {preview['failure']['message']}")
