"""The API as clients under faults call it: any framework, and an answer, a refusal or neither."""

import itertools
from typing import Any

import requests

from local.settings import Settings

_SECONDS = 10.0


class NoAnswer(Exception):
    """Nobody has answered, or not surely: what was asked may have been done, or may be yet."""


class Refused(Exception):
    """The answer is no: what was asked was not done."""


class Api:
    """The API of a cluster; each client has its own."""

    def __init__(self, settings: Settings) -> None:
        self._urls = itertools.cycle(settings.api.split(","))
        self._url = next(self._urls)
        self._token = settings.token_file.read_text()

    def call(self, method: str, path: str, *, key: str = "", **body: Any) -> Any:
        """Return the JSON of a successful answer. After any other the next framework is asked.

        Raises NoAnswer and Refused.
        """
        headers = {"Authorization": f"Bearer {self._token}"}
        headers |= {"Idempotency-Key": key} if key else {}
        headers |= {"If-Match": f'"{seen}"'} if (seen := body.pop("seen", None)) else {}
        try:
            answer = requests.request(
                method, f"{self._url}{path}", headers=headers, json=body or None, timeout=_SECONDS
            )
            if answer.ok:
                return answer.json() if answer.content else None
        except (requests.RequestException, ValueError) as exc:
            self._url = next(self._urls)
            raise NoAnswer(str(exc)) from exc
        self._url = next(self._urls)
        if answer.status_code < 500:
            raise Refused(f"{method} {path}: {answer.status_code} {answer.text[:300]}")
        raise NoAnswer(f"{method} {path}: {answer.status_code} {answer.text[:300]}")
