"""Whether packets between containers of one bridge pass any rule."""

from pathlib import Path

import pytest

from executor.container.network import find_bridge_problem


@pytest.mark.parametrize(
    ("set_to", "ipv6", "advice"),
    [
        ({"iptables": "1"}, False, None),
        ({"iptables": "1", "ip6tables": "1"}, True, None),
        ({}, False, "load the module br_netfilter"),
        ({"iptables": "0"}, False, "net.bridge.bridge-nf-call-iptables=1"),
        ({"iptables": "1", "ip6tables": "0"}, True, "net.bridge.bridge-nf-call-ip6tables=1"),
    ],
)
def test_a_missing_kernel_setting_for_bridges_is_reported(
    set_to: dict[str, str], ipv6: bool, advice: str | None, tmp_path: Path
) -> None:
    for name, value in set_to.items():
        (tmp_path / f"bridge-nf-call-{name}").write_text(f"{value}\n")
    problem = find_bridge_problem(tmp_path, ipv6=ipv6)
    assert (problem is None) if advice is None else (advice in (problem or ""))
