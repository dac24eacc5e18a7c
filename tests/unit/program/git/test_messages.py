"""program/git/messages.py: what git's words come down to, without secrets."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from program.git.messages import find_reason, redact

NO_ACCESS = (
    "fatal: Could not read from remote repository.\n\n"
    "Please make sure you have the correct access rights\nand the repository exists.\n"
)
WORD = st.text(
    st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="/"), min_size=1
)


@pytest.mark.parametrize(
    ("output", "why"),
    [
        (
            f"fatal: '/nowhere' does not appear to be a git repository\n{NO_ACCESS}",
            "'/nowhere' does not appear to be a git repository",
        ),
        ("fatal: transport 'ext' not allowed\n", "transport 'ext' not allowed"),
        (
            f"ssh: connect to host example.org port 22: Connection refused\r\n{NO_ACCESS}",
            "ssh: connect to host example.org port 22: Connection refused",
        ),
        (f"ERROR: Repository not found.\n{NO_ACCESS}", "Repository not found"),
        ("error: RPC failed; curl 56\nfatal: early EOF\nfatal: no pack\n", "RPC failed; curl 56"),
        ("warning: redirecting\nfatal: early EOF\n", "early EOF"),
        (
            "fatal: unable to connect to h:\nh[0: 127.0.0.1]: errno=Connection refused\n\n",
            "unable to connect to h: h[0: 127.0.0.1]: errno=Connection refused",
        ),
        ("fatal: nothing follows:\n", "nothing follows:"),
        ("gpg: a\nb\n", "b"),
        (NO_ACCESS, "git failed without a message"),
        ("", "git failed without a message"),
    ],
)
def test_the_line_that_names_the_cause_is_the_reason(output: str, why: str) -> None:
    assert find_reason(output) == why


@pytest.mark.parametrize("password", ["s3cret", "s3@cret"])
def test_no_reason_shows_any_part_of_a_password(password: str) -> None:
    output = f"fatal: unable to access 'https://bob:{password}@example.org/x.git/': 403\n"
    assert find_reason(output) == "unable to access 'https://***@example.org/x.git/': 403"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("cannot read https://ada:secret@host/x", "cannot read https://***@host/x"),
        ("https://ada:sec@ret@host/x", "https://***@host/x"),
        ("https://token@host/x and ssh://a:b@h/x", "https://***@host/x and ssh://***@h/x"),
        ("HTTPS://token@host and git://token@host", "HTTPS://***@host and git://***@host"),
        ("ssh://git@host/x", "ssh://git@host/x"),
        ("ssh://git@ada@host/x", "ssh://***@host/x"),
        ("https://host/x@y", "https://host/x@y"),
        ("git@example.org:x.git", "git@example.org:x.git"),
        ("/srv/x.git", "/srv/x.git"),
    ],
)
def test_credentials_are_left_out_of_what_is_shown(text: str, shown: str) -> None:
    assert redact(text) == shown


@given(st.sampled_from(["http", "https", "git", "ftp", "ssh"]), WORD, WORD)
def test_no_password_of_a_url_is_shown(scheme: str, user: str, password: str) -> None:
    shown = redact(f"'{scheme}://{user}:{password}@host/x'")
    assert shown == f"'{scheme}://***@host/x'"
    assert not re.search(r"://[^/]*:", shown)
