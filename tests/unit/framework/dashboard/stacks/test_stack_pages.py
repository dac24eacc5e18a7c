"""The pages of stacks: what they show, and what people do there."""

from collections.abc import Sequence

import httpx

from framework.access import Scope
from framework.errors import RepositoryUnreachable
from framework.state.snapshot import Behind
from prevs.records import Failure
from prevs.states import Cause, State
from tests.fakes.dashboard import HOSTILE, Dashboard, Seen, Visitor
from tests.unit.framework.dashboard.conftest import SHA
from tests.unit.framework.dashboard.stacks.conftest import BASKET, STACK, open_variant, put_instance

AT = f"{STACK}/variants/cart-2"


def send(visitor: Visitor, path: str = STACK, **form: str) -> httpx.Response:
    """Send a form of a page; its fields may have any name."""
    return visitor.post(path, {"csrf": visitor.csrf(), **form})


def names(dashboard: Dashboard) -> list[str]:
    return sorted(dashboard.stacks.snapshot.stack("shop").variants)


def test_stacks_are_listed_to_whoever_sees_all_of_their_apps(
    dashboard: Dashboard, user: Visitor
) -> None:
    open_variant(dashboard)
    assert Seen(user.get("/").text).find("a", href="/stacks")
    page = user.get("/stacks").text
    assert '<td data-label="members">web, cart</td>' in page
    assert '<td data-label="open variants">1</td>' in page
    assert Seen(page).find("a", href="http://shop.localhost:8080/")
    one_app = dashboard.enter(Scope.USE, "basket")
    assert "There is no stack all of whose apps you see" in one_app.see("/stacks").words
    assert "cart-shop" not in one_app.see("/stacks").words
    for answer in (one_app.get(STACK), send(one_app, ref="cart-2"), send(one_app, f"{AT}/close")):
        assert answer.status_code == 403
        assert "is only for the app" in answer.text
    assert "shop" in user.see("/apps/basket").words
    assert "a member of" not in one_app.see("/apps/basket").words
    dashboard.stacks.command(lambda commands: commands.remove("shop"))
    assert "There is no stack yet" in user.see("/stacks").words
    assert "prevs stack set shop - << END" in user.see("/stacks").words
    assert user.get(STACK).status_code == 404


def test_a_stack_shows_its_members_and_where_they_are_in_each_variant(
    dashboard: Dashboard, user: Visitor
) -> None:
    open_variant(dashboard)
    failure = Failure(Cause.BUILD_FAILED, HOSTILE, 1)
    sha = put_instance(dashboard, State.FAILED, failure=failure)
    text = user.see(STACK).words
    assert "web entry http://shop.localhost:8080/ hello main WEB_URL" in text
    assert "cart http://cart-shop.localhost:8080/ basket main CART_URL" in text
    assert "Follows cart-2, and closes with the last branch" in text
    assert "web http://cart-2--shop.localhost:8080/ main shared 5c80e7d running" in text
    assert "cart http://cart-2--cart-shop.localhost:8080/ cart-2 own instance ccccccc" in text
    assert "proxies not asked yet" in text
    page = Seen(user.get(STACK).text)
    assert page.find("a", href=f"/apps/basket/previews/{sha}")
    assert page.find("a", href=f"/apps/hello/previews/{SHA}")
    assert not page.find("img")
    sha = put_instance(dashboard, State.QUEUED, reason="No agent has room.")
    dashboard.previews.queue_places["basket", sha] = 3
    dashboard.stacks.behind = {name: Behind(1, 3) for name in ("shop", "cart-shop")}
    text = user.see(STACK).words
    assert "queued, place 3 No agent has room." in text
    assert "behind: 1 proxy" in text
    open_variant(dashboard, "cart-2", chosen={"web": "main"}, own=("web",))
    assert "stays until somebody closes it, as labels were chosen" in user.see(STACK).words
    assert "main own instance none yet not started" in user.see(STACK).words


def test_a_variant_is_opened_by_a_form(dashboard: Dashboard, user: Visitor) -> None:
    answer = send(user, ref=" cart-2 ")
    assert answer.status_code == 303
    assert answer.headers["Location"] == f"{STACK}?did=open-variant#variant-cart-2"
    assert dashboard.notes()[-1] == ("a-use", "open variant", "shop", 303)
    variant = dashboard.stacks.snapshot.stack("shop").variants["cart-2"]
    assert (variant.ref, variant.found, variant.by) == ("cart-2", ("cart",), "a-use")
    form = {"ref": "mine", "at-cart": "cart-2", "own-web": "1", "own-cart": "", "at-gone": "x"}
    assert send(user, **form).status_code == 303
    mine = dashboard.stacks.snapshot.stack("shop").variants["mine"]
    assert (mine.ref, mine.chosen, mine.own) == ("", {"cart": "cart-2"}, ("web",))
    assert "Follows no branch: it stays until somebody closes it." in user.see(STACK).words
    assert "The variant is open." in user.see(f"{STACK}?did=open-variant").words
    assert Seen(user.get(STACK).text).find("option", value="main")
    assert not dashboard.previews.snapshot.instances.keys() & {
        one.instance for one in dashboard.previews.snapshot.list_previews()
    }, "nothing starts yet"


WRONG: Sequence[tuple[dict[str, str], str]] = [
    ({"ref": ""}, "Branch or tag is missing. Write the branch"),
    ({"ref": "b" * 201}, "Branch or tag must be the name of a branch or tag"),
    ({"at-cart": "No Label"}, "The label must be a label, as in an address"),
    ({"at-cart": "nowhere"}, "'nowhere' leads to no commit of 'basket'"),
    ({"ref": HOSTILE}, "Branch or tag must be the name of a branch or tag"),
    ({"own-cart": ""}, "No repository of the stack 'shop' has another branch or tag 'mine'"),
]


def test_a_wrong_form_opens_nothing_says_why_and_keeps_what_was_written(
    dashboard: Dashboard, user: Visitor
) -> None:
    for changed, said in WRONG:
        form = {"ref": "mine", "own-cart": "1", **changed}
        answer = send(user, **form)
        assert answer.status_code == 422, answer.text
        page = Seen(answer.text)
        assert said in " ".join(page.text.split())
        assert "Nothing was opened." in page.text
        assert not page.find("img")
        assert [one["value"] for one in page.find("input", name="ref")] == [form["ref"]]
        assert [one["value"] for one in page.find("input", name="at-cart")] == [
            form.get("at-cart", "")
        ]
        assert ("checked" in page.find("input", name="own-cart")[0]) is bool(form["own-cart"])
        assert dashboard.notes()[-1] == ("a-use", "open variant", "shop", 422)
    dashboard.refs.leads["basket", "cart-2"] = RepositoryUnreachable("basket", "/b.git", HOSTILE)
    away = send(user, ref="cart-2")
    assert away.status_code == 422
    assert not Seen(away.text).find("img")
    assert "&lt;" in away.text.partition('role="alert"')[2][:400]
    assert names(dashboard) == []


def test_a_variant_is_stopped_pinned_and_closed(dashboard: Dashboard, user: Visitor) -> None:
    open_variant(dashboard)
    assert f"{AT}/stop" not in Seen(user.get(STACK).text).buttons(), "nothing of it runs"
    sha = put_instance(dashboard, State.QUEUED)
    done = {f"{AT}/{act}" for act in ("stop", "pin", "close")}
    assert Seen(user.get(STACK).text).buttons() >= done

    def act(name: str) -> None:
        answer = send(user, f"{AT}/{name}")
        assert answer.headers["Location"] == f"{STACK}?did={name}-variant"
        assert dashboard.notes()[-1] == ("a-use", f"{name} variant", "shop/cart-2", 303)

    act("pin")
    assert dashboard.previews.snapshot.preview("basket", sha).pinned
    assert "cart-2 pinned" in user.see(STACK).words
    act("unpin")
    assert not dashboard.stacks.snapshot.stack("shop").variants["cart-2"].pinned
    act("stop")
    assert dashboard.previews.snapshot.preview("basket", sha).state is State.STOPPED
    assert dashboard.previews.snapshot.preview("basket", BASKET).state is State.RUNNING
    act("close")
    assert names(dashboard) == []
    gone = send(user, f"{AT}/stop")
    assert gone.status_code == 404
    assert "has no open variant 'cart-2'" in Seen(gone.text).text


def test_who_may_only_look_gets_no_forms_and_the_reason(dashboard: Dashboard) -> None:
    open_variant(dashboard)
    reader = dashboard.enter(Scope.READ)
    page = Seen(reader.get(STACK).text)
    assert page.buttons() == {"/sign-out"}
    assert "Whoever has the scope use for all of these apps" in page.text
    for path in (STACK, *(f"{AT}/{act}" for act in ("stop", "pin", "unpin", "close"))):
        assert send(reader, path, ref="mine").status_code == 403
        assert enter_forged(dashboard, path).status_code == 403
    assert names(dashboard) == ["cart-2"]


def enter_forged(dashboard: Dashboard, path: str) -> httpx.Response:
    """Send a form that is not of the dashboard's own pages."""
    return dashboard.sign_in().post(path, {"csrf": "0", "ref": "mine"})
