import pytest

from framework.errors import NoKey, WrongKey
from framework.vault import Keyring
from program.settings.keys import new_key

OLD, NEW = new_key(), new_key()


def test_a_sealed_value_is_opened_by_anybody_with_the_key() -> None:
    sealed = Keyring([NEW]).seal(b"hunter2")
    assert b"hunter2" not in sealed.encode()
    assert Keyring([NEW]).open(sealed) == b"hunter2"
    assert Keyring([NEW]).seal(b"hunter2") != sealed


def test_the_first_key_seals_and_every_key_opens() -> None:
    sealed = Keyring([OLD]).seal(b"hunter2")
    both = Keyring([NEW, OLD])
    assert both.open(sealed) == b"hunter2"
    assert not both.is_sealed_by_first(sealed)
    sealed_again = both.seal(b"hunter2")
    assert both.is_sealed_by_first(sealed_again)
    assert Keyring([NEW]).open(sealed_again) == b"hunter2"


@pytest.mark.parametrize("keys", [(), (NEW,)])
def test_without_the_key_nothing_is_opened(keys: tuple[str, ...]) -> None:
    sealed = Keyring([OLD]).seal(b"hunter2")
    with pytest.raises(WrongKey, match="PREVS_KEY_FILE"):
        Keyring(keys).open(sealed)
    assert not Keyring(keys).is_sealed_by_first(sealed)


def test_a_changed_value_is_not_opened() -> None:
    sealed = Keyring([NEW]).seal(b"hunter2")
    for changed in (sealed[:-8] + "AAAAAAA=", sealed[:-1], "", "größe"):
        with pytest.raises(WrongKey):
            Keyring([NEW]).open(changed)


def test_without_any_key_nothing_is_sealed() -> None:
    with pytest.raises(NoKey, match="prevs key"):
        Keyring(()).seal(b"hunter2")
