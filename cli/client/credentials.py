"""The addresses of the API, and its token."""

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from cli.errors import BadCredentials

_WAYS = "Start prevs on this machine with `prevs local up`, or set PREVS_API and PREVS_TOKEN."


@dataclasses.dataclass(frozen=True)
class Credentials:
    """The API's addresses, at least one, without a slash at the end, and its bearer token.

    Each address is that of one framework.
    """

    apis: tuple[str, ...]
    token: str = dataclasses.field(repr=False)


def location(environ: Mapping[str, str]) -> Path:
    """Return the path of the file that `prevs local up` writes for the user of `environ`."""
    given = environ.get("XDG_CONFIG_HOME", "")  # XDG: ignore a relative path
    config = given if given.startswith("/") else f"{environ.get('HOME', '')}/.config"
    return Path(config) / "prevs" / "credentials.json"


def read(environ: Mapping[str, str]) -> Credentials:
    """Return the credentials in PREVS_API and PREVS_TOKEN, or in the file. Raises BadCredentials.

    PREVS_API and the file may hold several addresses, separated by commas. The file's token is sent
    only to the file's addresses, even if PREVS_API names others.
    """
    apis = _split(environ.get("PREVS_API", ""))
    token = environ.get("PREVS_TOKEN", "").strip()
    if not (apis and token):
        filed = _read_file(location(environ))
        if filed is None and not (apis or token):
            raise BadCredentials(
                f"No API is known: PREVS_API is not set, and there is no {location(environ)}.",
                _WAYS,
            )
        if not token and (filed is None or not set(apis) <= set(filed.apis)):
            raise BadCredentials(
                f"The token of the API at {', '.join(apis)} is not known.", "Set PREVS_TOKEN."
            )
        if not apis and filed is None:
            raise BadCredentials("PREVS_TOKEN is set, but PREVS_API is not.", _WAYS)
        if filed is not None:
            apis, token = apis or filed.apis, token or filed.token
    for api in apis or ("",):
        if not _is_address(api):
            raise BadCredentials(
                f"PREVS_API is not an address: {api!r}.",
                "Set it to an address like http://host:8090, or to several with commas between.",
            )
    return Credentials(apis, token)


def _split(text: str) -> tuple[str, ...]:
    """Return the addresses in a text, each once."""
    found = (one.strip().rstrip("/") for one in text.split(","))
    return tuple(dict.fromkeys(one for one in found if one))


def _is_address(api: str) -> bool:
    parts = urlsplit(api)
    return parts.scheme in {"http", "https"} and bool(parts.netloc)


def _read_file(path: Path) -> Credentials | None:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return Credentials(_split(str(content["api"])), str(content["token"]))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as exc:
        why = f"{type(exc).__name__}: {exc}"
        raise BadCredentials(f"{path} cannot be used ({why}).", _WAYS) from exc
