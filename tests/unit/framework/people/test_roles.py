import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework.access import Scope
from framework.errors import InvalidSettings
from framework.people import roles
from framework.ports.identity import Person
from prevs.roles import RoleRecord

ADA = Person("583231", "ada", frozenset({"shop-devs", "org/team"}))
READ, USE, ADMIN = Scope.READ, Scope.USE, Scope.ADMIN


def of_group(scope: str, group: str = "shop-devs", app: str = "") -> RoleRecord:
    return RoleRecord(scope, group=group, app=app)


def of_person(scope: str, person: str = "ada", app: str = "") -> RoleRecord:
    return RoleRecord(scope, person=person, app=app)


@pytest.mark.parametrize(
    ("known", "app", "scope"),
    [
        ([], "shop", None),
        ([of_group("use", app="shop")], "shop", USE),
        ([of_group("use", app="shop")], "cart", None),
        ([of_group("use", app="shop")], "", None),
        ([of_person("admin")], "shop", ADMIN),
        ([of_person("admin")], "", ADMIN),
        ([of_person("read"), of_group("use", app="shop")], "shop", USE),
        ([of_group("use", app="shop"), of_person("read")], "cart", READ),
        ([of_person("use"), of_group("read", app="shop")], "shop", USE),
        ([of_group("admin", "others")], "shop", None),
        ([of_person("admin", "grace")], "shop", None),
        # A group and a login with the same name are different things, and so are cases.
        ([of_group("admin", "ada"), of_person("admin", "shop-devs")], "", None),
        ([of_person("admin", "Ada"), of_group("admin", "Shop-devs")], "", None),
        ([of_person("admin", "583231")], "", None),
        # What only another version or a stranger can have written.
        ([of_person("admin", app="shop")], "shop", None),
        ([of_person("everything")], "", None),
        ([of_person("proxy")], "", None),
        ([RoleRecord("admin")], "", None),
        ([RoleRecord("admin", group="shop-devs", person="grace")], "", None),
        ([RoleRecord("admin", group="others", person="ada")], "", None),
    ],
)
def test_the_highest_role_that_applies_counts(
    known: list[RoleRecord], app: str, scope: Scope | None
) -> None:
    assert roles.find_scope(known, ADA, app) == scope


def test_somebody_without_names_has_no_role() -> None:
    nobody = Person("1", "", frozenset({""}))
    assert roles.find_scope([RoleRecord("admin"), of_group("admin")], nobody, "") is None


def test_rights_are_those_everywhere_and_what_single_apps_have_beyond() -> None:
    known = [
        of_person("read"),
        of_group("use", app="shop"),
        of_group("read", app="cart"),
        of_group("use", "others", app="docs"),
    ]
    assert roles.find_rights(known, ADA) == (READ, {"shop": USE})
    assert roles.find_rights(known[1:], ADA) == (None, {"shop": USE, "cart": READ})
    assert roles.find_rights([], ADA) == (None, {})


NAMES = st.sampled_from(["", "ada", "grace", "shop-devs", "others"])
APPS = st.sampled_from(["", "shop", "cart"])
RECORDS = st.builds(
    RoleRecord, st.sampled_from(["read", "use", "admin", "proxy"]), NAMES, NAMES, APPS
)


@given(st.lists(RECORDS, max_size=6), APPS)
def test_rights_say_the_same_as_scopes_and_more_roles_never_take_away(
    known: list[RoleRecord], app: str
) -> None:
    rights = roles.find_rights(known, ADA)
    scope = roles.find_scope(known, ADA, app)
    assert rights.apps.get(app, rights.everywhere) == scope
    if known and scope:
        fewer = roles.find_scope(known[1:], ADA, app)
        assert fewer is None or scope.includes(fewer)
    if app and (everywhere := roles.find_scope(known, ADA, "")):
        assert scope is not None
        assert scope.includes(everywhere)


@pytest.mark.parametrize(
    ("role", "fields"),
    [
        (RoleRecord("use"), ["group"]),
        (RoleRecord("use", group="a", person="b"), ["group"]),
        (of_group("admin", app="shop"), ["scope"]),
        (of_group("proxy"), ["scope"]),
        (of_group("use", "a\nb"), ["group"]),
        (of_group("use", " a"), ["group"]),
        (of_person("use", "a" * 257), ["person"]),
        (RoleRecord("all"), ["group", "scope"]),
    ],
)
def test_a_wrong_role_is_refused_with_every_problem(role: RoleRecord, fields: list[str]) -> None:
    with pytest.raises(InvalidSettings) as refused:
        roles.check(role)
    assert [one.field for one in refused.value.problems] == fields


@pytest.mark.parametrize(
    "name", ["a", "Größe und Farbe", "org/team", "CN=Devs,DC=example", "a" * 256]
)
def test_the_names_of_providers_are_taken_as_they_are(name: str) -> None:
    roles.check(of_group("use", name, "shop"))
    roles.check(of_person("admin", name))
