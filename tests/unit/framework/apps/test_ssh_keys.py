from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework.apps import ssh_keys
from tests.fakes.ssh_keys import make_ssh_key

BEGIN, END = "-----BEGIN OPENSSH PRIVATE KEY-----", "-----END OPENSSH PRIVATE KEY-----"


@pytest.mark.parametrize("options", [("-t", "ed25519"), ("-t", "rsa", "-b", "2048")])
def test_a_key_has_the_fingerprint_that_ssh_keygen_shows(
    tmp_path: Path, options: tuple[str, ...]
) -> None:
    key = make_ssh_key(tmp_path, *options)
    assert ssh_keys.fingerprint(key.private) == key.fingerprint
    assert ssh_keys.find_problem(key.private) is None


def test_a_key_of_an_older_format_is_a_key_without_a_fingerprint(tmp_path: Path) -> None:
    key = make_ssh_key(tmp_path, "-t", "rsa", "-b", "2048", "-m", "PEM")
    assert ssh_keys.fingerprint(key.private) is None
    assert ssh_keys.find_problem(key.private) is None


@pytest.mark.parametrize("form", ["RFC4716", "PEM"])
def test_a_key_with_a_passphrase_is_refused(tmp_path: Path, form: str) -> None:
    key = make_ssh_key(tmp_path, "-t", "rsa", "-b", "2048", "-m", form, "-N", "hunter2")
    problem = ssh_keys.find_problem(key.private)
    assert problem is not None
    assert "passphrase" in problem


def test_a_public_key_is_refused(tmp_path: Path) -> None:
    assert ssh_keys.find_problem(make_ssh_key(tmp_path).public) is not None


@given(st.text(), st.text("ABCDEFGHabcdefgh0123456789+/=\n"))
def test_any_text_is_accepted_or_refused(text: str, inner: str) -> None:
    assert ssh_keys.find_problem(text)
    for some in (text, f"{BEGIN}\n{inner}\n{END}", f"{BEGIN}\nb3BlbnNzaC1rZXktdjEA{inner}\n{END}"):
        found = ssh_keys.fingerprint(some)
        assert not found or found.startswith("SHA256:")
