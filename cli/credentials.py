"""Where the API is, and the token that it asks for."""

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from cli.errors import BadCredentials

_WAYS = "Start prevs on this machine with `prevs local up`, or set PREVS_API and PREVS_TOKEN."


@dataclasses.dataclass(frozen=True)
class Credentials:
    """The API's address without a slash at the end, and its bearer token."""

    api: str
    token: str = dataclasses.field(repr=False)


def location(environ: Mapping[str, str]) -> Path:
    """Return the path of the file that `prevs local up` writes for the user of `environ`."""
    given = environ.get("XDG_CONFIG_HOME", "")  # its rules say to ignore a relative one
    config = given if given.startswith("/") else f"{environ.get('HOME', '')}/.config"
    return Path(config) / "prevs" / "credentials.json"


def read(environ: Mapping[str, str]) -> Credentials:
    """Return what PREVS_API and PREVS_TOKEN say, or else the file. Raises BadCredentials.

    The file's token goes to the file's API only: PREVS_API alone does not send it elsewhere.
    """
    api = environ.get("PREVS_API", "").rstrip("/")
    token = environ.get("PREVS_TOKEN", "").strip()
    if not (api and token):
        filed = _read_file(location(environ))
        if filed is None and not (api or token):
            raise BadCredentials(
                f"No API is known: PREVS_API is not set, and there is no {location(environ)}.",
                _WAYS,
            )
        if not token and (filed is None or filed.api != api != ""):
            raise BadCredentials(f"The token of the API at {api} is not known.", "Set PREVS_TOKEN.")
        if not api and filed is None:
            raise BadCredentials("PREVS_TOKEN is set, and PREVS_API is not.", _WAYS)
        if filed is not None:
            api, token = api or filed.api, token or filed.token
    if urlsplit(api).scheme not in {"http", "https"} or not urlsplit(api).netloc:
        raise BadCredentials(f"PREVS_API is no address: {api!r}.", "It looks like http://host:8090")
    return Credentials(api, token)


def _read_file(path: Path) -> Credentials | None:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return Credentials(str(content["api"]).rstrip("/"), str(content["token"]))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as exc:
        why = f"{type(exc).__name__}: {exc}"
        raise BadCredentials(f"{path} cannot be used ({why}).", _WAYS) from exc
