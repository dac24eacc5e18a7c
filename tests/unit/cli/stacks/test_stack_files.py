"""What people write about stacks."""

import json

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.gates.gate_files import read_order as read_gate
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


@pytest.mark.parametrize(
    "text",
    [
        'members = {web = {app = "frontend", label = "release/2"}}',
        '{"members": [{"member": "web", "app": "frontend", "label": "release/2"}]}',
    ],
)
def test_a_member_may_be_at_the_name_of_a_branch(text: str) -> None:
    at = {"app": "frontend", "label": names.slug("release/2")}
    assert read_order(text) == {"members": {"web": at}}


@given(st.text(min_size=1))
def test_gates_stacks_and_start_take_the_same_names_of_branches(branch: str) -> None:
    label = names.slug(branch)
    stack = json.dumps({"members": {"web": {"app": "frontend", "label": branch}}})
    assert read_order(stack)["members"] == {"web": {"app": "frontend", "label": label}}
    gate, _ = read_gate(json.dumps({"rules": [{"path": "/", "to": branch}]}))
    assert gate["rules"] == [{"path": "/", "to": [{"label": label}]}]
    again = json.dumps({"members": {"web": {"app": "frontend", "label": label}}})
    assert read_order(again) == read_order(stack), "what show prints is taken as it is"


@pytest.mark.parametrize("label", ["", 7, None, ["main"]])
def test_what_is_no_name_is_left_to_the_api(label: object) -> None:
    text = json.dumps({"members": {"web": {"app": "frontend", "label": label}}})
    assert read_order(text)["members"] == {"web": {"app": "frontend", "label": label}}


def test_branches_are_given_as_labels() -> None:
    order = read_variant("feature/x", ["cart=fix/y", "web = v1"], ["web", "web"])
    labels = {"cart": names.slug("fix/y"), "web": "v1"}
    assert order == {"ref": "feature/x", "labels": labels, "own": ["web"]}
