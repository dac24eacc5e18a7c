"""What people write about stacks."""

import click
import pytest

from cli.stacks.stack_files import read_order, read_variant
from prevs import names


def test_what_show_prints_is_an_order_without_what_follows_from_it() -> None:
    member = '{"member": "web", "app": "frontend", "label": "main", "gate": "shop", "url": "u"'
    shown = f'{{"name": "shop", "entry": "web", "by": "ada", "members": [{member}}}]}}'
    wanted = {"entry": "web", "members": {"web": {"app": "frontend", "label": "main"}}}
    assert read_order(shown) == wanted


def test_what_is_not_known_is_left_to_the_api() -> None:
    wanted = {"entri": "web", "members": {"web": {"app": "frontend", "url": "u"}}}
    assert read_order('entri = "web"\n[members.web]\napp = "frontend"\nurl = "u"') == wanted
    assert read_order('members = "web"') == {"members": "web"}


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ('{"members": [{"app": "frontend"}]}', "must have `member`, its name"),
        ('{"members": ["web"]}', "must have `member`, its name"),
        ('{"members": [{"member": "web"}, {"member": "web"}]}', "has the member 'web' twice"),
        ("members = [", "is not TOML, nor JSON"),
        ("entry = 2015-03-27", "without quotation marks"),
    ],
)
def test_a_file_that_is_no_order_is_refused(text: str, wrong: str) -> None:
    with pytest.raises(click.UsageError, match=wrong):
        read_order(text)


def test_branches_are_given_as_labels() -> None:
    order = read_variant("feature/x", ["cart=fix/y", "web = v1"], ["web", "web"])
    labels = {"cart": names.slug("fix/y"), "web": "v1"}
    assert order == {"ref": "feature/x", "labels": labels, "own": ["web"]}
