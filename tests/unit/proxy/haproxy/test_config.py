import re
from pathlib import Path

from proxy.haproxy import config
from proxy.haproxy.config import Files, Front
from proxy.pages import pages

FRONT = Front("127.0.0.1:8080", "a.example")
TEXT = config.render(Files(Path("/srv/proxy")), FRONT)


def test_it_listens_at_the_configured_address_and_nowhere_else() -> None:
    binds = [line.split() for line in TEXT.splitlines() if line.strip().startswith("bind")]
    own = ["bind", "unix@/srv/proxy/again.sock", "mode", "600", "accept-proxy"]
    assert binds == [["bind", "127.0.0.1:8080"], own]


def test_haproxy_runs_as_the_user_who_starts_it() -> None:
    words = {line.split()[0] for line in TEXT.splitlines() if line.strip()}
    assert not words & {"user", "group", "chroot", "daemon"}


def test_a_hold_is_shorter_than_the_timeouts_of_both_sides() -> None:
    limits = {
        " ".join(line.split()[:2]): int(line.split()[2].removesuffix("s"))
        for line in TEXT.splitlines()
        if line.strip().startswith(("timeout client ", "timeout server "))
    }
    assert set(limits) == {"timeout client", "timeout server"}
    assert min(limits.values()) > config.HOLD_SECONDS


def test_a_request_is_counted_before_its_last_lookup() -> None:
    rules = [line.strip() for line in TEXT.splitlines() if line.strip().startswith("http-request")]
    looks = [
        n for n, rule in enumerate(rules) if re.search(r"map_str\(.*/(routes|guarded).map", rule)
    ]
    counts = [n for n, rule in enumerate(rules) if re.search(r"track-sc. var\(txn.dst\)", rule)]
    kinds = "".join("c" if n in counts else "l" for n in sorted(looks + counts))
    # Where most requests end; those to gates; all that are large; those to guarded apps; their
    # preflights; then for those that are routed late, in one map or the other, that moved, and
    # those refused.
    assert kinds == "lcl" + "lcl" + "l" + "lcl" + "cl" + "cll" + "cll" + "cll"
    assert [rules[n].startswith("http-request allow if ") for n in looks[1:8]] == [
        True,
        False,
        True,
        True,
        False,
        True,
        True,
    ]


def test_an_ordinary_request_ends_before_the_rules_of_gates() -> None:
    rules = [line.strip() for line in TEXT.splitlines() if line.strip().startswith("http-request")]
    first = next(n for n, rule in enumerate(rules) if rule.startswith("http-request allow"))
    assert not any("gates.map" in rule or "lua.choose" in rule for rule in rules[:first])
    assert any("lua.choose" in rule for rule in rules[first:])


def test_a_dot_of_the_domain_matches_only_a_dot() -> None:
    assert """regsub("^([^.]+)--([^.]+)[.]a[.]example$","\\1.\\2.a.example")""" in TEXT


def test_every_rule_uses_the_same_map() -> None:
    assert TEXT.count("map_str(/srv/proxy/routes.map)") == 8
    assert TEXT.count("map_str(/srv/proxy/guarded.map)") == 6
    assert "opt@" not in TEXT


def test_the_page_about_cookies_removes_only_those_of_the_domain() -> None:
    page = pages.refused_cookies_page("a.example")
    assert '("." + name).endsWith(".a.example")' in page
