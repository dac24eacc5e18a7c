from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework.apps import app_secrets
from framework.apps.app_secrets import AppSecrets, Variable
from framework.apps.receivers import Receiver
from framework.errors import InvalidSettings, UnknownCredential, UnknownVariable
from prevs.messages import Credential

NONE = AppSecrets("shop")
PLAIN, SECRET = Variable("preview", secret=False), Variable("hunter2")
PRIVATE = "-----BEGIN PRIVATE KEY-----"
KEY = Credential(private_key=PRIVATE, known_hosts="git.example.org ssh-ed25519 AAAA")
PASSWORD = Credential("deploy", "hunter2")


def problems(change: Callable[[], object]) -> dict[str, str]:
    with pytest.raises(InvalidSettings) as caught:
        change()
    return {problem.field: problem.message for problem in caught.value.problems}


def test_variables_are_set_changed_and_removed() -> None:
    some = app_secrets.with_variable(NONE, "MODE", PLAIN)
    some = app_secrets.with_variable(some, "API_KEY", SECRET)
    assert (some.environment, some.secrets) == ({"MODE": "preview"}, {"API_KEY": "hunter2"})
    some = app_secrets.with_variable(some, "MODE", SECRET)
    assert (some.environment, some.secrets) == ({}, {"API_KEY": "hunter2", "MODE": "hunter2"})
    some = app_secrets.without_variable(some, "MODE", now=5.0)
    some = app_secrets.without_variable(some, "API_KEY", now=6.0)
    assert (some.environment, some.secrets) == ({}, {})
    with pytest.raises(UnknownVariable, match="API_KEY"):
        app_secrets.without_variable(some, "API_KEY", now=7.0)


def test_what_was_unset_is_known_without_its_value_until_it_is_set_again() -> None:
    some = app_secrets.with_variable(NONE, "API_KEY", SECRET)
    some = app_secrets.without_variable(some, "API_KEY", now=6.0)
    assert some.unset == {"API_KEY": Variable("", changed=6.0)}
    assert app_secrets.with_variable(some, "API_KEY", SECRET).unset == {}
    assert app_secrets.without_variables(some, now=7.0).unset == some.unset


def test_the_names_of_what_was_unset_are_limited_to_the_newest() -> None:
    some = NONE
    for number in range(app_secrets.MOST + 1):
        some = app_secrets.with_variable(some, f"A{number}", PLAIN)
        some = app_secrets.without_variable(some, f"A{number}", now=float(number))
    assert set(some.unset) == {f"A{number}" for number in range(1, app_secrets.MOST + 1)}


@given(
    st.dictionaries(st.from_regex(r"[A-Z_]{1,9}", fullmatch=True), st.text(max_size=99)),
    st.none() | st.builds(Credential, username=st.text(), password=st.text()),
)
def test_a_sealed_value_is_opened_as_it_was_given(
    values: dict[str, str], credential: Credential | None
) -> None:
    variables = {name: Variable(value, len(value) % 2 == 0, 1.5) for name, value in values.items()}
    known = AppSecrets("shop", variables, credential, 2.5)
    assert AppSecrets.decode(known.encode()) == known


@pytest.mark.parametrize("name", ["A", "_a9", "api_KEY", "PREVS", "PORTS", "A" * 100])
def test_valid_names_are_accepted(name: str) -> None:
    assert app_secrets.find_name_problem(name) is None


@pytest.mark.parametrize(
    "name", ["", "9A", "A-B", "A=B", "Ä", "A\n", "PORT", "PREVS_URL", "PREVS_", "A" * 101]
)
def test_invalid_names_are_refused(name: str) -> None:
    assert set(problems(lambda: app_secrets.with_variable(NONE, name, PLAIN))) == {"name"}


@pytest.mark.parametrize("value", ["a\0b", "ä" * 16 * 1024 + "a", "\ud800"])
def test_invalid_values_are_refused(value: str) -> None:
    assert app_secrets.find_value_problem("ä" * 16 * 1024) is None
    found = problems(lambda: app_secrets.with_variable(NONE, "A", Variable(value)))
    assert set(found) == {"value"}


def test_the_size_of_an_apps_variables_is_limited() -> None:
    some = NONE
    for number in range(app_secrets.MOST):
        some = app_secrets.with_variable(some, f"A{number}", PLAIN)
    assert app_secrets.with_variable(some, "A0", SECRET).secrets == {"A0": "hunter2"}
    assert "name" in problems(lambda: app_secrets.with_variable(some, "B", PLAIN))
    large = Variable("\1" * 32 * 1024)
    some = AppSecrets("shop", {f"A{number}": large for number in range(2)})
    assert "262144" in problems(some.encode)["value"]


def test_a_credential_is_set_and_removed() -> None:
    some = app_secrets.with_credential(NONE, PASSWORD, 5.0)
    assert (some.credential, some.credential_changed) == (PASSWORD, 5.0)
    assert app_secrets.without_credential(some) == NONE
    with pytest.raises(UnknownCredential):
        app_secrets.without_credential(NONE)


@pytest.mark.parametrize("credential", [KEY, PASSWORD, Credential(password="token")])
def test_valid_credentials_are_accepted(credential: Credential) -> None:
    assert app_secrets.find_credential_problems(credential) == []


@pytest.mark.parametrize(
    ("credential", "fields"),
    [
        (Credential(), {"password"}),
        (Credential(username="deploy"), {"password"}),
        (Credential(private_key=PRIVATE), {"known_hosts"}),
        (Credential(private_key=PRIVATE, known_hosts=" \n"), {"known_hosts"}),
        (Credential(private_key="hunter2", known_hosts="hosts"), {"private_key"}),
        (Credential("deploy", "", PRIVATE, "hosts"), {"private_key"}),
        (Credential("deploy", "hunter2", "", "hosts"), {"known_hosts"}),
        (Credential("deploy", "hunter2\nHost: x"), {"password"}),
        (Credential("deploy", "x" * 20_000), {"password"}),
    ],
)
def test_invalid_credentials_are_refused(credential: Credential, fields: set[str]) -> None:
    assert set(problems(lambda: app_secrets.with_credential(NONE, credential, 1.0))) == fields


def test_no_repr_has_a_value() -> None:
    some = AppSecrets("shop", {"A": SECRET}, Credential("deploy", "hunter2", "hunter2"))
    assert "hunter2" not in repr(some)


def test_receivers_are_sealed_with_the_rest_and_hide_their_address() -> None:
    receiver = Receiver("ci", "https://ci.example/hunter2", "whsec_hunter2", ("failed",), "slack")
    some = app_secrets.with_receiver(NONE, receiver)
    assert AppSecrets.decode(some.encode()) == some
    assert not some.is_empty
    assert "hunter2" not in repr(some)
    assert app_secrets.without_receiver(some, "ci") == NONE
    earlier = b'{"app":"shop","v":1}'
    assert AppSecrets.decode(earlier).receivers == ()


def test_a_variable_that_is_so_already_keeps_its_time() -> None:
    some = app_secrets.with_variable(NONE, "MODE", Variable("a", changed=1.0))
    assert app_secrets.with_variable(some, "MODE", Variable("a", changed=2.0)) == some
    scoped = app_secrets.with_variable(
        some, "MODE", Variable("a", changed=2.0), {"branches": ("main",)}
    )
    assert scoped.variables["MODE"].changed == 2.0
    plain = app_secrets.with_variable(some, "MODE", Variable("a", secret=False, changed=2.0))
    assert plain.variables["MODE"].changed == 2.0


def test_several_variables_are_compared_with_those_before() -> None:
    before = app_secrets.with_variables(NONE, {"A": Variable("1"), "B": Variable("1")})
    after = app_secrets.with_variables(
        before, {"B": Variable("2"), "C": Variable("1"), "A": Variable("1")}
    )
    assert app_secrets.compare(before, after, ["C", "B", "A"]) == (("C",), ("B",), ("A",))


def test_the_problems_of_several_variables_are_named_by_them_and_said_once() -> None:
    new = {"A": Variable("\0"), "B-": Variable("1"), "C": Variable("1")}
    with pytest.raises(InvalidSettings) as caught:
        app_secrets.with_variables(NONE, new, {"branches": ("a b",)})
    assert sorted(one.field for one in caught.value.problems) == ["A", "B-", "branches"]
