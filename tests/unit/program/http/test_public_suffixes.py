import pytest

from program.http.public_suffixes import find_reach, is_within


@pytest.mark.parametrize(
    ("domain", "reach"),
    [
        ("acme-previews.example", "acme-previews.example"),
        ("previews.acme.example", "acme.example"),
        ("previews.acme.co.uk", "acme.co.uk"),
        ("deep.previews.acme.com", "acme.com"),
        # Browsers take none: on the list, by a rule for its section of private domains, too.
        ("co.uk", None),
        ("github.io", None),
        ("vercel.app", None),
        # A rule with a wildcard, and its exception.
        ("anything.ck", None),
        ("www.ck", "www.ck"),
        ("previews", None),
        ("localhost", None),
        ("cluster-1.localhost", None),
    ],
)
def test_scripts_set_cookies_as_far_as_browsers_let_them(domain: str, reach: str | None) -> None:
    assert find_reach(domain) == reach


def test_cookies_go_to_the_domain_and_to_what_is_below() -> None:
    assert is_within("acme.example", "acme.example")
    assert is_within("api.acme.example", "acme.example")
    assert not is_within("notacme.example", "acme.example")
