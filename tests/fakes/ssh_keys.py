"""Keys for ssh, made by ssh-keygen."""

import subprocess
from pathlib import Path
from typing import NamedTuple


class SshKey(NamedTuple):
    """A private key, and its fingerprint as ssh-keygen shows it."""

    private: str
    public: str
    fingerprint: str


def make_ssh_key(folder: Path, *options: str) -> SshKey:
    """Return a new key."""
    file = folder / "key"
    given = options or ("-t", "ed25519")
    subprocess.run(
        ["ssh-keygen", "-q", "-N", "", "-C", "test", *given, "-f", str(file)],
        check=True,
        stdin=subprocess.DEVNULL,
    )
    listed = subprocess.run(
        ["ssh-keygen", "-l", "-f", f"{file}.pub"], check=True, capture_output=True, text=True
    )
    public = file.with_suffix(".pub").read_text()
    return SshKey(file.read_text(), public, listed.stdout.split()[1])
