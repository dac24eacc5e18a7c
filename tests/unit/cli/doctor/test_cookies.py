import pytest

from cli.doctor.findings import Level
from cli.doctor.judgements import judge_domain

APIS = ["http://10.0.0.5:8090", "https://prevs.acme.example"]


@pytest.mark.parametrize(
    ("domain", "expected"),
    [
        ("previews.acme.example", "and the dashboard (prevs.acme.example) get them."),
        ("previews.other.example", "and other sites of other.example get them."),
        ("acme-previews.example", "acme-previews.example. All other previews get them."),
    ],
)
def test_the_finding_has_who_gets_cookies_and_the_next_step(domain: str, expected: str) -> None:
    found = judge_domain(domain, APIS)
    assert (found.part, found.level) == ("cookies", Level.WARNING)
    assert expected in found.message
    assert "public suffix list" in found.advice
    assert ("PREVS_DOMAIN" in found.advice) == (domain != "acme-previews.example")


@pytest.mark.parametrize("domain", ["github.io", "localhost", "cluster.localhost"])
def test_a_domain_for_which_browsers_refuse_cookies_is_ok(domain: str) -> None:
    assert judge_domain(domain, APIS).level is Level.OK
