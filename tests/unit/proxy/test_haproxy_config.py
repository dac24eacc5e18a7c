from pathlib import Path

from proxy import haproxy_config
from proxy.haproxy_config import Files

TEXT = haproxy_config.render(Files(Path("/srv/proxy")), "127.0.0.1:8080")


def test_it_listens_where_it_is_told_and_nowhere_else() -> None:
    binds = [line.split() for line in TEXT.splitlines() if line.strip().startswith("bind")]
    assert binds == [["bind", "127.0.0.1:8080"]]


def test_it_runs_as_whoever_starts_it() -> None:
    words = {line.split()[0] for line in TEXT.splitlines() if line.strip()}
    assert not words & {"user", "group", "chroot", "daemon"}


def test_a_hold_is_shorter_than_the_patience_of_both_sides() -> None:
    limits = {
        " ".join(line.split()[:2]): int(line.split()[2].removesuffix("s"))
        for line in TEXT.splitlines()
        if line.strip().startswith(("timeout client ", "timeout server "))
    }
    assert set(limits) == {"timeout client", "timeout server"}
    assert min(limits.values()) > haproxy_config.HOLD_SECONDS
