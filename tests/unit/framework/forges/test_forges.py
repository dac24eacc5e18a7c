import pytest

from framework.forges.forge_kind import Place
from framework.forges.forges import find_place
from framework.forges.registry import FORGES

GITHUB = "https://api.github.com"


@pytest.mark.parametrize(
    ("kind", "repository", "api", "name"),
    [
        ("github", "https://github.com/shop/cart.git", GITHUB, "shop/cart"),
        ("github", "git@github.com:shop/cart.git", GITHUB, "shop/cart"),
        ("github", "ssh://git@ssh.github.com:443/shop/cart", GITHUB, "shop/cart"),
        ("github", "https://git.example.org/a/b", "https://git.example.org/api/v3", "a/b"),
        (
            "github",
            "https://git.example.org:8443/a/b/",
            "https://git.example.org:8443/api/v3",
            "a/b",
        ),
        ("gitlab", "https://gitlab.com/g/sub/shop.git", "https://gitlab.com/api/v4", "g/sub/shop"),
        ("gitlab", "git@altssh.gitlab.com:g/shop.git", "https://gitlab.com/api/v4", "g/shop"),
        ("gitlab", "ssh://git@g.example.org:2222/g/s", "https://g.example.org/api/v4", "g/s"),
        ("gitlab", "http://10.0.0.5:8080/g/s", "http://10.0.0.5:8080/api/v4", "g/s"),
        ("gitea", "https://codeberg.org/shop/cart", "https://codeberg.org/api/v1", "shop/cart"),
        ("gitea", "https://e.org/git/shop/cart", "https://e.org/git/api/v1", "shop/cart"),
        ("gitea", "git://e.org/shop/cart", "https://e.org/api/v1", "shop/cart"),
        ("pagure", "https://pagure.io/shop.git", "https://pagure.io/api/0", "shop"),
        ("pagure", "ssh://git@pagure.io/ns/shop.git", "https://pagure.io/api/0", "ns/shop"),
        ("pagure", "https://pagure.io/forks/a/shop.git", "https://pagure.io/api/0", "fork/a/shop"),
    ],
)
def test_the_api_is_at_the_host_of_the_repository(
    kind: str, repository: str, api: str, name: str
) -> None:
    assert find_place(FORGES[kind], repository, local_allowed=False) == Place(
        api, tuple(name.split("/"))
    )


@pytest.mark.parametrize(
    ("kind", "repository"),
    [
        ("github", "https://github.com/cart.git"),
        ("github", "https://git.example.org/shop/sub/cart"),
        ("gitlab", "https://gitlab.com/cart"),
        ("pagure", "https://pagure.io/a/b/c/d/e"),
        ("gitea", "/srv/git/shop/cart"),
        ("gitea", "file:///srv/git/shop/cart"),
        ("gitea", "https://codeberg.org/shop/../cart"),
        ("gitea", "https://codeberg.org/shop/cart%2Fx"),
        ("gitea", "https://codeberg.org/shop/cart?x"),
        ("gitea", "https://codeberg.org/"),
    ],
)
def test_an_address_without_a_repository_of_the_forge_has_no_place(
    kind: str, repository: str
) -> None:
    assert find_place(FORGES[kind], repository, local_allowed=True) is None


@pytest.mark.parametrize("host", ["127.0.0.1:3000", "localhost", "[::1]", "127.1", "0.0.0.0"])
def test_a_forge_on_this_machine_needs_the_setting_of_repositories(host: str) -> None:
    repository = f"http://{host}/shop/cart.git"
    assert find_place(FORGES["gitea"], repository, local_allowed=False) is None
    assert find_place(FORGES["gitea"], repository, local_allowed=True) is not None
