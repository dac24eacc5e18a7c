"""The addresses of the API, and its token."""

import dataclasses
import json
import os
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from cli.errors import BadCredentials
from prevs.roles import TOKEN_PREFIX

_WAYS = (
    "Start prevs on this machine with `prevs local up`, sign in with `prevs login`, or set "
    "PREVS_API and PREVS_TOKEN."
)


@dataclasses.dataclass(frozen=True)
class Credentials:
    """The API's addresses, at least one, without a slash at the end, and its bearer token.

    Each address belongs to one framework.
    """

    apis: tuple[str, ...]
    token: str = dataclasses.field(repr=False)


def location(environ: Mapping[str, str]) -> Path:
    """Return the path of the file that `prevs local up` and `prevs login` write for a user."""
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


def find_address(environ: Mapping[str, str], given: str | None = None) -> str:
    """Return the API's address: the `given` one, or the first in PREVS_API or in the file.

    Raises BadCredentials.
    """
    filed = None if given or environ.get("PREVS_API") else _read_file(location(environ))
    apis = _split(given or environ.get("PREVS_API", "")) or (filed.apis if filed else ())
    if not apis:
        raise BadCredentials("No API is known.", "Name it: `prevs login https://HOST:PORT`.")
    if not _is_address(apis[0]):
        raise BadCredentials(
            f"{apis[0]!r} is not the address of an API.", "Write one like https://host:8090."
        )
    return apis[0]


def write(environ: Mapping[str, str], api: str, token: str) -> Path:
    """Write the file, which only its owner can read; return its path. Raises BadCredentials."""
    path = location(environ)
    scratch = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        scratch.unlink(missing_ok=True)
        handle = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump({"api": api, "token": token}, file)
        scratch.replace(path)
    except OSError as exc:
        raise BadCredentials(f"{path} cannot be written ({exc}).", _WAYS) from exc
    return path


def forget_person(environ: Mapping[str, str]) -> bool:
    """Remove the file if it has a token of `prevs login`; return whether it had one."""
    path = location(environ)
    filed = _read_file(path)
    if filed is None or not filed.token.startswith(TOKEN_PREFIX):
        return False
    path.unlink()
    return True


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
