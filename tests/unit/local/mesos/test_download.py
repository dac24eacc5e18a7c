import pytest

from local.errors import LocalError
from local.mesos.download import Index, link_of, read_index

USAGE = """\
  -i, --index-url <url>       Base URL of the Python Package
                              Index (default
                              https://index.example/simple).
  --extra-index-url <url>     Extra URLs
"""


def test_the_index_is_pips_default_where_nothing_is_configured() -> None:
    assert read_index("", USAGE) == Index("https://index.example/simple", None)


def test_a_variable_wins_over_a_file() -> None:
    settings = ":env:.index-url='https://env.example/'\nglobal.index-url='https://file.example'\n"
    assert read_index(settings, USAGE).url == "https://env.example"


def test_pips_certificates_are_used() -> None:
    assert read_index("global.cert='/etc/ca.crt'\n", USAGE).certificates == "/etc/ca.crt"


def test_a_pip_without_an_index_raises() -> None:
    with pytest.raises(LocalError, match="which package index"):
        read_index("", "")


def test_a_link_is_found_by_its_file_and_made_absolute() -> None:
    page = '<a href="../../packages/a/x-1.tar.gz#sha256=00">x</a><a href="/y/x-2.tar.gz">x</a>'
    base = "https://index.example/simple/x/"
    assert link_of(page, base, "x-1.tar.gz") == "https://index.example/packages/a/x-1.tar.gz"
    assert link_of(page, base, "x-2.tar.gz") == "https://index.example/y/x-2.tar.gz"
    assert link_of(page, base, "x-3.tar.gz") is None
