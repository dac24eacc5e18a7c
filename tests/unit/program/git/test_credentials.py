"""program/git/credentials.py: where a credential is, and where it is not."""

import shlex
from pathlib import Path

import pytest

from prevs.messages import Credential
from program.git.addresses import Address, read_address
from program.git.credentials import CredentialUnusable, find_advice, give_access, give_none

FOLDER = Path("/work/a b%c")
PASSWORD = Credential("ada", "s3cret")
KEY = Credential(private_key="-----KEY\r\nk3y\r\n-----END", known_hosts="h ssh-ed25519 AAA")


def address(text: str) -> Address:
    found = read_address(text)
    assert found
    return found


def settings(environment: dict[str, str]) -> list[tuple[str, str]]:
    count = int(environment["GIT_CONFIG_COUNT"])
    names = [(f"GIT_CONFIG_KEY_{n}", f"GIT_CONFIG_VALUE_{n}") for n in range(count)]
    return [(environment[key], environment[value]) for key, value in names]


def test_a_password_is_in_one_variable_and_in_no_setting() -> None:
    access = give_access(PASSWORD, address("https://h:8443/g/x.git"), FOLDER)
    environment = dict(access.environment)
    assert [name for name, value in environment.items() if "s3cret" in value] == [
        "PREVS_GIT_PASSWORD"
    ]
    assert [key for key, _ in settings(environment)] == [
        "credential.helper",
        "credential.https://h:8443.helper",
    ]
    assert settings(environment)[0][1] == ""
    assert access.files == {}
    assert "s3cret" not in repr(access)


def test_a_key_is_in_files_and_ssh_trusts_the_known_hosts_alone() -> None:
    access = give_access(KEY, address("git@h:x.git"), FOLDER)
    assert access.files == {
        FOLDER / "key": "-----KEY\nk3y\n-----END\n",
        FOLDER / "known_hosts": "h ssh-ed25519 AAA\n",
    }
    command = shlex.split(access.environment["GIT_SSH_COMMAND"])
    assert 'IdentityFile="/work/a b%%c/key"' in command
    assert 'UserKnownHostsFile="/work/a b%%c/known_hosts"' in command
    assert "StrictHostKeyChecking=yes" in command
    assert not any("k3y" in value for value in access.environment.values())
    assert "k3y" not in repr(access)


@pytest.mark.parametrize("text", ["/srv/x", "git://h/x"])
def test_an_address_that_needs_no_credential_gets_none(text: str) -> None:
    for credential in (PASSWORD, KEY):
        access = give_access(credential, address(text), FOLDER)
        assert access.files == {}
        assert "s3cret" not in str(access.environment)


def test_without_a_credential_git_prompts_nobody() -> None:
    assert give_access(None, address("https://h/x"), FOLDER).environment == {
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "",
        "SSH_ASKPASS": "",
    }


def test_access_without_a_credential_ignores_the_machines_helpers() -> None:
    assert settings(dict(give_none().environment)) == [("credential.helper", "")]


@pytest.mark.parametrize(
    ("credential", "text", "why"),
    [
        (KEY, "https://h/x", "is an ssh key"),
        (PASSWORD, "git@h:x", "a name and a password"),
        (Credential(private_key="k"), "git@h:x", "ssh-keyscan"),
        (Credential("ada\nhost=evil", "x"), "https://h/x", "a line break"),
        (Credential("ada", "x\0y"), "https://h/x", "another control character"),
        (Credential(), "https://h/x", "is an ssh key"),
    ],
)
def test_an_unusable_credential_is_reported_with_the_next_step(
    credential: Credential, text: str, why: str
) -> None:
    with pytest.raises(CredentialUnusable, match=why):
        give_access(credential, address(text), FOLDER)


@pytest.mark.parametrize(
    ("output", "none", "given"),
    [
        (
            "fatal: could not read Username for 'https://h': terminal prompts disabled",
            "the app has no credential",
            "redirects to another address",
        ),
        ("fatal: Authentication failed for 'https://h/x/'", "has none", "refuses the app's cred"),
        (
            "fatal: unable to access 'https://h/x/': The requested URL returned error: 403",
            "has none",
            "refuses the app's credential",
        ),
        ("git@h: Permission denied (publickey).", "asks for an ssh key", "the app's deploy key"),
        ("Host key verification failed.", "is not known", "not in the credential"),
        ('Load key "/k": error in libcrypto', "the agent's own", "deploy key cannot be used"),
    ],
)
def test_gits_messages_about_credentials_are_explained_with_the_next_step(
    output: str, none: str, given: str
) -> None:
    for credential, expected in ((None, none), (PASSWORD, given)):
        found = find_advice(f"remote: hello\n{output}\n", credential)
        assert found
        assert expected in found[0]
        assert found[1]


def test_other_messages_of_git_stay_as_they_are() -> None:
    assert find_advice("fatal: unable to access 'https://h/': Could not resolve host", None) is None
