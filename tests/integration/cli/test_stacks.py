"""`prevs stack`, against an API on a real socket."""

import json
from pathlib import Path

import pytest
from click.shell_completion import ShellComplete

from cli.__main__ import prevs
from cli.command_context import CommandContext
from framework.state.snapshot import Behind
from prevs import names
from prevs.records import Failure, PreviewRecord
from prevs.states import Cause, State
from tests.fakes.api import Api
from tests.integration.cli.command_runs import Run

pytestmark = pytest.mark.integration

A, B, X = "a" * 40, "b" * 40, "c" * 40
BRANCH = "feature/x"
SLUG = names.slug(BRANCH)
INSTANCE = f"{SLUG}--cart-shop"
FILE = """
entry = "web"

[members.web]
app = "frontend"

[members.cart]
app = "cart"
label = "main"
"""


@pytest.fixture
def api() -> Api:
    """Two apps with a branch main; the cart has feature/x too. All proxies know all gates."""
    api = Api()
    api.add("frontend", "main", A)
    api.add("cart", "main", B)
    api.add("cart", SLUG, X)
    api.previews.put("frontend", A, State.RUNNING, labels=("main",))
    api.stacks.behind = {"shop": Behind(0, 2), "cart-shop": Behind(0, 2)}
    return api


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "shop.toml"
    path.write_text(FILE)
    return str(path)


def put_instance(api: Api, state: State, **fields: object) -> PreviewRecord:
    """Put the cart's instance in the variant of feature/x into a state."""
    own = {"instance": INSTANCE, "built_from": X, "labels": (INSTANCE,), "task_id": "task-of-x"}
    sha = names.instance_id(X, INSTANCE)
    return api.previews.put("cart", sha, state, **own | fields)


def test_a_stack_is_written_and_shown(api: Api, run: Run, file: str) -> None:
    done = run("stack", "set", "shop", file)
    assert done.status == 0, done.err
    rows = [line.split() for line in done.out.splitlines()]
    assert ["web", "frontend", "main", "WEB_URL", "http://shop.localhost:8080/"] in rows
    assert ["cart", "cart", "main", "CART_URL", "http://cart-shop.localhost:8080/"] in rows
    assert "find each other by WEB_URL and CART_URL" in done.err
    assert "`prevs stack open shop BRANCH`" in done.err
    shown = run("stack", "show", "shop")
    assert (shown.out, "No variant is open." in shown.err) == (done.out, True)
    assert "web (frontend), cart" in run("stack", "ls", "--app", "cart").out


def test_what_is_shown_as_json_may_be_written(
    api: Api, run: Run, tmp_path: Path, file: str
) -> None:
    run("stack", "set", "shop", file)
    run("stack", "open", "shop", BRANCH)
    shown = run("stack", "show", "shop", "--json").out
    copy = tmp_path / "shop.json"
    copy.write_text(shown)
    again = run("stack", "set", "shop", str(copy), "--json")
    assert again.status == 0, again.err
    order = {"entry": "web", "members": {}}
    order["members"] = {
        "web": {"app": "frontend", "label": "main"},
        "cart": {"app": "cart", "label": "main"},
    }
    assert api.bodies[-1] == order
    assert json.loads(again.out)["variants"] == json.loads(shown)["variants"]


def test_all_mistakes_of_a_file_are_printed(api: Api, run: Run, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.toml"
    wrong.write_text(FILE.replace('"web"', '"webb"').replace("frontend", "gone"))
    done = run("stack", "set", "shop", str(wrong), "--dry-run")
    assert done.status == 2
    assert "entry: must be one of the members: web, cart" in done.err
    assert "members.web.app: is no app: 'gone'" in done.err


def test_a_dry_run_says_that_nothing_has_changed(api: Api, run: Run, file: str) -> None:
    done = run("stack", "set", "shop", file, "--dry-run")
    assert (done.status, "Nothing has changed" in done.err) == (0, True)
    gone = run("stack", "show", "shop")
    assert (gone.status, "`prevs stack ls` lists the stacks" in gone.err) == (1, True)
    assert "There are no stacks." in run("stack", "ls").err


def test_a_variant_is_opened_and_its_address_printed(api: Api, run: Run, file: str) -> None:
    run("stack", "set", "shop", file)
    done = run("stack", "open", "shop", BRANCH)
    assert done.status == 0, done.err
    assert done.out == f"http://{SLUG}--shop.localhost:8080/\n"
    assert f"cart is at {BRANCH}; the other member is as usual." in done.err
    assert "All proxies know it; the first request starts what is apart." in done.err
    listed = run("stack", "show", "shop").out
    assert f"cart at {BRANCH}: not started" in listed


def test_labels_and_instances_are_given(api: Api, run: Run, file: str) -> None:
    run("stack", "set", "shop", file)
    done = run("stack", "open", "shop", "mine", "--at", f"cart={BRANCH}", "--own", "web")
    assert done.status == 0, done.err
    assert api.bodies[-1] == {"ref": "mine", "labels": {"cart": SLUG}, "own": ["web"]}
    apart = f"web has an instance of its own at main and cart is at {SLUG}; none is shared."
    assert apart in done.err
    run("stack", "open", "shop", "mine", "--own", "all", "--own", "web")
    assert api.bodies[-1]["own"] == ["all"]
    wrong = run("stack", "open", "shop", "mine", "--at", "cart")
    assert (wrong.status, "--at 'cart' must be MEMBER=LABEL." in wrong.err) == (2, True)
    twice = run("stack", "open", "shop", "mine", "--at", "cart=main", "--at", "cart=v2")
    assert "--at names a member twice" in twice.err


def test_nothing_to_open_says_what_to_do(api: Api, run: Run, file: str) -> None:
    run("stack", "set", "shop", file)
    refused = run("stack", "open", "shop", "nowhere")
    assert refused.status == 1
    assert "`prevs stack open shop nowhere --at MEMBER=LABEL`" in refused.err


def test_without_waiting_it_says_that_proxies_may_not_know_it(
    api: Api, run: Run, file: str
) -> None:
    run("stack", "set", "shop", file)
    api.stacks.behind["cart-shop"] = Behind(1, 2)
    done = run("stack", "open", "shop", BRANCH, "--no-wait")
    assert f"`prevs stack show shop {SLUG}` shows how many do not." in done.err
    assert "1 proxy does not know it yet" in run("stack", "show", "shop", BRANCH).out


def test_a_variant_shows_where_each_member_is(api: Api, run: Run, file: str) -> None:
    run("stack", "set", "shop", file)
    run("stack", "open", "shop", BRANCH)
    shown = run("stack", "show", "shop", SLUG)
    assert shown.out == run("stack", "show", "shop", BRANCH).out
    rows = [line.split() for line in shown.out.splitlines()]
    address = f"http://{SLUG}--shop.localhost:8080/"
    assert ["web", "main", "shared", "running", "aaaaaaa", address, "frontend"] in rows
    assert "starts with the first request to its address" in shown.err
    failure = Failure(Cause.APP_EXITED, "The app exited.", 3)
    put_instance(api, State.FAILED, failure=failure)
    shown = run("stack", "show", "shop", BRANCH)
    assert "own      failed   ccccccc" in shown.out
    assert f"`prevs logs cart {INSTANCE}` prints its log" in shown.err
    answer = json.loads(run("stack", "show", "shop", BRANCH, "--json").out)
    assert answer["members"][1]["commit"] == X


def test_the_label_of_an_instance_works_wherever_one_does(api: Api, run: Run, file: str) -> None:
    run("stack", "set", "shop", file)
    run("stack", "open", "shop", BRANCH)
    sha = put_instance(api, State.RUNNING).sha
    api.sandboxes.output["task-of-x"] = b"listening\n"
    assert "ccccccc" in run("ls", "--app", "cart").out
    shown = run("show", "cart", INSTANCE).out
    assert f"{SLUG} of the stack shop" in shown
    assert X in shown
    assert sha not in shown
    assert run("logs", "cart", INSTANCE).out == "listening\n"
    assert run("logs", "cart", X[:7]).out == "listening\n"
    lead = api.call("GET", f"/v1/apps/cart/labels/{INSTANCE}").json()
    assert (lead["sha"], lead["commit"]) == (sha, X)
    assert lead["url"] == f"http://{INSTANCE}.localhost:8080/"  # what `prevs open` opens
    alone = run("pin", "cart", INSTANCE)
    assert (alone.status, f"`prevs stack pin shop {SLUG}`" in alone.err) == (1, True)
    started = run("start", "cart", INSTANCE)
    assert started.out == f"http://{INSTANCE}.localhost:8080/\n"
    assert f"cart@{INSTANCE} (ccccccc)" in started.err


def test_a_variant_is_pinned_stopped_and_closed(api: Api, run: Run, file: str) -> None:
    run("stack", "set", "shop", file)
    run("stack", "open", "shop", BRANCH)
    sha = put_instance(api, State.RUNNING).sha
    pinned = run("stack", "pin", "shop", BRANCH)
    assert f"{SLUG} of shop is pinned. `prevs stack unpin shop {SLUG}`" in pinned.err
    assert f"pinned; cart at {BRANCH}: running (ccccccc)" in run("stack", "show", "shop").out
    assert "is not pinned" in run("stack", "unpin", "shop", SLUG).err
    assert "starts it again" in run("stack", "stop", "shop", BRANCH).err
    assert api.previews.known["cart", sha].state is not State.RUNNING
    closed = run("stack", "close", "shop", BRANCH, "--yes")
    assert f"`prevs stack open shop {BRANCH}` opens it again." in closed.err
    gone = run("stack", "stop", "shop", BRANCH)
    assert (gone.status, f"has no open variant '{SLUG}'" in gone.err) == (1, True)


def test_a_member_is_usually_at_a_branch_that_its_file_names(
    api: Api, run: Run, tmp_path: Path
) -> None:
    path = tmp_path / "at.toml"
    path.write_text(FILE.replace('label = "main"', f'label = "{BRANCH}"'))
    done = run("stack", "set", "shop", str(path), "--json")
    assert (done.status, done.err) == (0, "")
    labels = {one["member"]: one["label"] for one in json.loads(done.out)["members"]}
    assert labels == {"web": "main", "cart": SLUG}


def test_a_stack_is_removed_when_somebody_confirms_it(api: Api, run: Run, file: str) -> None:
    run("stack", "set", "shop", file)
    run("stack", "open", "shop", BRANCH)
    asked = run("stack", "rm", "shop")
    assert (asked.status, "add --yes" in asked.err) == (2, True)
    assert f"The variant {SLUG} and what runs in that alone go too." in asked.err
    done = run("stack", "rm", "shop", "--yes")
    assert (done.status, "The stack shop is removed." in done.err) == (0, True)
    assert "There are no gates." in run("gate", "ls").err


def test_a_gate_says_that_it_follows_from_a_stack(api: Api, run: Run, file: str) -> None:
    run("stack", "set", "shop", file)
    run("stack", "open", "shop", BRANCH)
    listed = run("gate", "ls").out
    assert "/ to main; of the stack shop, with 1 variant" in listed
    shown = run("gate", "show", "cart-shop")
    assert [SLUG, INSTANCE] in [line.split() for line in shown.out.splitlines()]
    assert "`prevs stack show shop` shows that." in shown.err
    refused = run("gate", "switch", "cart-shop", SLUG)
    assert (refused.status, "`prevs stack open shop BRANCH`" in refused.err) == (1, True)


def test_names_of_stacks_and_variants_complete(api: Api, run: Run, file: str) -> None:
    run("stack", "set", "shop", file)
    run("stack", "open", "shop", BRANCH)
    with api.serving() as address:
        environ = {"PREVS_API": address, "PREVS_TOKEN": "a-token-for-tests", "HOME": "/nonexistent"}
        completion = ShellComplete(prevs, {"obj": CommandContext(environ)}, "prevs", "X")
        stacks = completion.get_completions(["stack", "show"], "s")
        variants = completion.get_completions(["stack", "stop", "shop"], "f")
        branches = completion.get_completions(["stack", "open", "shop"], "")
    assert [one.value for one in stacks] == ["shop"]
    assert [one.value for one in variants] == [BRANCH]
    assert [one.value for one in branches] == ["main", SLUG]
