"""Gives git the credential of one repository, for that repository only. Pure.

No secret is in an argument list or in git's settings: for http a helper reads it from git's
environment, for ssh it is in files that only their owner can read. git asks the helper for the
repository's own origin only, so neither a redirect nor a submodule elsewhere gets the secret.
"""

from __future__ import annotations

import dataclasses
import re
import shlex
from collections.abc import Mapping
from pathlib import Path

from prevs.messages import Credential
from program.git.addresses import Address, write_origin
from program.git.safety import NO_PROMPT, SSH_OPTIONS

ANY_USER = "x-access-token"
"""The user name for a token without one; all usual servers accept it."""

_USER, _PASSWORD = "PREVS_GIT_USERNAME", "PREVS_GIT_PASSWORD"
_HELPER = (
    '!f() { test "$1" = get && printf "username=%s\\npassword=%s\\n"'
    f' "${_USER}" "${_PASSWORD}"; }}; f'
)
_SSH = (
    *("-F", "none"),
    *SSH_OPTIONS,
    *("-o", "StrictHostKeyChecking=yes"),
    *("-o", "GlobalKnownHostsFile=/dev/null"),
    *("-o", "KnownHostsCommand=none"),
    *("-o", "UpdateHostKeys=no"),
    *("-o", "IdentitiesOnly=yes"),
    *("-o", "IdentityAgent=none"),
    *("-o", "PreferredAuthentications=publickey"),
    *("-o", "ForwardAgent=no"),
)


class CredentialUnusable(ValueError):
    """A credential that cannot be used for its repository; str() says why and what to do."""


@dataclasses.dataclass(frozen=True)
class Access:
    """What git needs to use a credential: its environment, and files that only the owner can read.

    The files must exist, with mode 0600, while git runs, and no longer.
    """

    environment: Mapping[str, str] = dataclasses.field(repr=False)
    files: Mapping[Path, str] = dataclasses.field(default_factory=dict, repr=False)


def give_access(credential: Credential | None, address: Address, folder: Path) -> Access:
    """Return how git reads the repository at `address` with a credential.

    None means the machine's own credentials. `folder` is an absolute path for the files. A
    repository on this machine or at git:// needs no credential. Raises CredentialUnusable.
    """
    if credential is None or address.origin.scheme not in ("http", "https", "ssh"):
        return Access(NO_PROMPT)
    if address.origin.scheme == "ssh":
        return _give_key(credential, folder)
    return _give_password(credential, address)


def give_none(*more: tuple[str, str]) -> Access:
    """Return how git reads without any credential, not even one of this machine.

    `more` are further git settings.
    """
    return Access({**NO_PROMPT, **_settings(("credential.helper", ""), *more)})


def find_advice(output: str, credential: Credential | None) -> tuple[str, str] | None:
    """Return why a repository was not read, and the next step; None if credentials are not why.

    `output` is the stderr of git or git-lfs; `credential` is what git was given.
    """
    given = "given" if credential else "none"
    for pattern, sentences in _ADVICE:
        if pattern.search(output):
            return sentences[given]
    return None


def _give_password(credential: Credential, address: Address) -> Access:
    if not credential.password:
        raise CredentialUnusable(
            "the app's credential is an ssh key, but its repository is read by "
            f"{address.origin.scheme}. Set a token or a password, or give the app an ssh address"
        )
    username = credential.username or ANY_USER
    if not (username + credential.password).isprintable():
        raise CredentialUnusable(
            "the app's credential contains a line break or another control character. Set it again "
            "without them"
        )
    # The empty helper removes the machine's helpers: git would use them first, and store ours.
    scoped = f"credential.{write_origin(address.origin)}.helper"
    settings = _settings(("credential.helper", ""), (scoped, _HELPER))
    secret = {_USER: username, _PASSWORD: credential.password}
    return Access({**NO_PROMPT, **settings, **secret})


def _give_key(credential: Credential, folder: Path) -> Access:
    if not credential.private_key.strip():
        raise CredentialUnusable(
            "the app's credential is a name and a password, but its repository is read by ssh. "
            "Set a deploy key with known hosts, or give the app an https address"
        )
    if not credential.known_hosts.strip():
        raise CredentialUnusable(
            "the app's ssh key has no known hosts, so the server cannot be verified. Compare the "
            "output of `ssh-keyscan HOST` with the keys that the server's operator publishes, and "
            "set it as the known hosts"
        )
    key, known = folder / "key", folder / "known_hosts"
    options = (f"IdentityFile={_escape(key)}", f"UserKnownHostsFile={_escape(known)}")
    words = ("ssh", *_SSH, *(word for option in options for word in ("-o", option)))
    command = " ".join(shlex.quote(word) for word in words)
    files = {key: _write_lines(credential.private_key), known: _write_lines(credential.known_hosts)}
    # Large files may still be at https; the machine's helpers must not answer for them.
    settings = _settings(("credential.helper", ""))
    return Access({**NO_PROMPT, **settings, "GIT_SSH_COMMAND": command}, files)


def _settings(*pairs: tuple[str, str]) -> dict[str, str]:
    """Return settings of git as variables of its environment."""
    numbered = list(enumerate(pairs))
    return {
        "GIT_CONFIG_COUNT": str(len(pairs)),
        **{f"GIT_CONFIG_KEY_{number}": key for number, (key, _) in numbered},
        **{f"GIT_CONFIG_VALUE_{number}": value for number, (_, value) in numbered},
    }


def _escape(path: Path) -> str:
    """Quote a path for an option of ssh, which replaces what follows a %."""
    escaped = re.sub(r'(["\\\\])', r"\\\1", str(path)).replace("%", "%%")
    return f'"{escaped}"'


def _write_lines(text: str) -> str:
    """Return a file's text as OpenSSH needs it: it refuses a key without a last line break."""
    return text.replace("\r\n", "\n").strip("\n") + "\n"


_SET = "Give the app a credential for it (`prevs credential set`), then retry"
_ADVICE = (
    (
        re.compile(r"could not read (Username|Password)"),
        {
            "none": ("it asks for a name and a password, and the app has no credential", _SET),
            "given": (
                "it redirects to another address, which asks for a name and a password; the app's "
                "credential is used at the repository's own address only",
                "Give the app the address that the repository has now, then retry",
            ),
        },
    ),
    (
        re.compile(
            r"Authentication failed|returned error: 40[13]|Authorization error|"
            r"Authentication required|HTTP 40[13]"
        ),
        {
            "none": ("it asks for a credential, and the app has none", _SET),
            "given": (
                "it refuses the app's credential",
                "Check that the token or password is correct, has not expired and may read this "
                "repository; set it again, then retry",
            ),
        },
    ),
    (
        re.compile(r"Host key verification failed"),
        {
            "none": (
                "its server's ssh key is not known",
                "Give the app a credential with a deploy key and known hosts, then retry",
            ),
            "given": (
                "its server's ssh key is not in the credential's known hosts",
                "If the server has a new key, set the credential again with the output of "
                "`ssh-keyscan HOST`; if nobody changed the key, another machine may be answering",
            ),
        },
    ),
    (
        re.compile(r"Load key .*(error in libcrypto|invalid format|incorrect passphrase)"),
        {
            "none": ("the agent's own ssh key cannot be used", "The agent's operator must fix it"),
            "given": (
                "the app's deploy key cannot be used",
                "Set a private key without a passphrase, as ssh-keygen writes it, then retry",
            ),
        },
    ),
    (
        re.compile(r"Permission denied \("),
        {
            "none": ("it asks for an ssh key, and the app has no credential", _SET),
            "given": (
                "it refuses the app's deploy key",
                "Add the public key to the repository's deploy keys (read access is enough), then "
                "retry",
            ),
        },
    ),
)
"""Messages of git, ssh and git-lfs, and their meaning with a credential and without one."""
