"""The addresses of the API, and its token."""

import json
from pathlib import Path

import pytest

from cli.client.credentials import location, read
from cli.errors import BadCredentials

LOCAL = {"api": "http://127.0.0.1:8090/", "token": "filed"}


@pytest.fixture
def home(tmp_path: Path) -> dict[str, str]:
    path = location({"XDG_CONFIG_HOME": str(tmp_path)})
    path.parent.mkdir()
    path.write_text(json.dumps(LOCAL))
    return {"XDG_CONFIG_HOME": str(tmp_path)}


def test_the_environment_wins(home: dict[str, str]) -> None:
    found = read({**home, "PREVS_API": "https://api.example.org/", "PREVS_TOKEN": " t\n"})
    assert (found.apis, found.token) == (("https://api.example.org",), "t")


def test_the_file_is_read_without_the_variables(home: dict[str, str]) -> None:
    found = read(home)
    assert (found.apis, found.token) == (("http://127.0.0.1:8090",), "filed")
    assert "filed" not in repr(found)


def test_the_token_of_the_file_goes_to_no_other_api(home: dict[str, str]) -> None:
    assert read({**home, "PREVS_API": "http://127.0.0.1:8090"}).token == "filed"
    with pytest.raises(BadCredentials, match="token"):
        read({**home, "PREVS_API": "http://elsewhere.example.org"})


def test_a_token_alone_is_for_the_api_of_the_file(home: dict[str, str]) -> None:
    assert read({**home, "PREVS_TOKEN": "mine"}).apis == ("http://127.0.0.1:8090",)
    with pytest.raises(BadCredentials, match="PREVS_API"):
        read({"PREVS_TOKEN": "mine", "HOME": "/nonexistent"})


def test_several_addresses_are_separated_by_commas(home: dict[str, str]) -> None:
    several = "http://a:8090/, http://b:8090,,http://a:8090"
    assert read({"PREVS_API": several, "PREVS_TOKEN": "t"}).apis == (
        "http://a:8090",
        "http://b:8090",
    )
    location(home).write_text(json.dumps({"api": several, "token": "filed"}))
    assert read(home).apis == ("http://a:8090", "http://b:8090")
    assert read({**home, "PREVS_API": "http://b:8090"}).apis == ("http://b:8090",)
    with pytest.raises(BadCredentials, match="token"):
        read({**home, "PREVS_API": "http://b:8090,http://elsewhere"})


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"api": "http://x"}'])
def test_an_unreadable_file_is_named_in_the_error(home: dict[str, str], content: str) -> None:
    location(home).write_text(content)
    with pytest.raises(BadCredentials, match=r"credentials\.json"):
        read(home)


@pytest.mark.parametrize("api", ["localhost:8090", "ftp://x", "http://", "http://a,b"])
def test_an_invalid_address_is_reported(api: str) -> None:
    with pytest.raises(BadCredentials, match="not an address"):
        read({"PREVS_API": api, "PREVS_TOKEN": "t", "HOME": "/nonexistent"})


def test_the_file_is_below_the_home_folder_by_default() -> None:
    assert str(location({"HOME": "/home/x"})) == "/home/x/.config/prevs/credentials.json"
