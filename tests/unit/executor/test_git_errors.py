"""executor/git_errors.py: what git's words come down to."""

import pytest

from executor.git_errors import reason, without_credentials


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (
            "fatal: '/nowhere' does not appear to be a git repository\n"
            "fatal: Could not read from remote repository.\n\n"
            "Please make sure you have the correct access rights\nand the repository exists.\n",
            "'/nowhere' does not appear to be a git repository",
        ),
        ("fatal: transport 'ext' not allowed\n", "transport 'ext' not allowed"),
        ("ssh: connect to host example.org port 22: Connection refused\n",) * 2,
        ("", "git failed and said nothing"),
    ],
)
def test_the_line_that_names_the_cause_is_the_reason(said: str, why: str) -> None:
    assert reason(said) == why.strip()


@pytest.mark.parametrize("password", ["s3cret", "s3@cret"])
def test_no_reason_shows_any_part_of_a_password(password: str) -> None:
    said = f"fatal: unable to access 'https://bob:{password}@example.org/x.git/': 403\n"
    assert reason(said) == "unable to access 'https://example.org/x.git/': 403"


@pytest.mark.parametrize("address", ["git@example.org:x.git", "/srv/x.git", "https://h/x@y.git"])
def test_an_address_without_credentials_stays_as_it_is(address: str) -> None:
    assert without_credentials(address) == address
