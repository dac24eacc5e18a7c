import pytest

from program.http import same_origin

HOST = "main.hello.localhost:8080"


@pytest.mark.parametrize(
    ("sent", "site", "own"),
    [
        (None, None, True),
        (f"http://{HOST}", "same-origin", True),
        (f"https://{HOST}", None, True),
        ("http://MAIN.hello.localhost:8080", None, True),
        (None, "none", True),
        (f"http://{HOST}", "same-site", False),
        (f"http://{HOST}", "cross-site", False),
        ("http://main.hello.localhost", None, False),
        ("http://evil.localhost:8080", "same-origin", False),
        ("null", None, False),
        ("", None, False),
        ("http://[", None, False),
        (f"ftp://{HOST}", None, False),
    ],
)
def test_only_a_page_of_the_same_host_is_its_own(
    sent: str | None, site: str | None, own: bool
) -> None:
    assert same_origin.is_own(host=HOST, origin=sent, fetch_site=site) is own


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("/", "/"),
        ("/a?b=c", "/a?b=c"),
        ("//evil.example/", "/"),
        ("/\\evil.example/", "/"),
        ("http://evil.example/", "/"),
        ("", "/"),
        ("/a\r\nSet-Cookie: x", "/"),
    ],
)
def test_the_way_back_stays_on_the_same_host(text: str, path: str) -> None:
    assert same_origin.own_path(text) == path
