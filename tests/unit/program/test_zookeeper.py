import pytest

from program.zookeeper import list_servers


@pytest.mark.parametrize(
    ("hosts", "listed"),
    [
        ("a:1", "a:1,a:1,a:1"),
        ("a:1,b:2", "a:1,b:2,a:1,b:2"),
        ("a:1,b:2,c:3", "a:1,b:2,c:3"),
        ("a:1,b:2,c:3,d:4", "a:1,b:2,c:3,d:4"),
    ],
)
def test_there_are_three_at_least(hosts: str, listed: str) -> None:
    assert list_servers(hosts) == listed
