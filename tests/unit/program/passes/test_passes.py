import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prevs.signatures import derive_pass_key
from program.passes.passes import ANY_HOST, Pass, read_pass, write_pass

KEY, BEFORE = derive_pass_key("token"), derive_pass_key("the one before")
PASS = Pass("shop", "main.shop.prevs.example", 3, 1_800_000_000, "a1", "")
VISITORS = Pass("shop", ANY_HOST, 0, 1_800_000_000)


@pytest.mark.parametrize("content", [PASS, VISITORS])
def test_a_pass_is_read_as_it_was_written(content: Pass) -> None:
    assert read_pass([KEY], write_pass(KEY, content)) == content


def test_haproxy_finds_each_claim_at_its_place() -> None:
    claims = write_pass(KEY, PASS).split(".")[1]
    assert base64.urlsafe_b64decode(claims + "==") == (
        b'{"aud":"shop","h":"main.shop.prevs.example","e":3,"exp":1800000000,"j":"a1","u":""}'
    )


@pytest.mark.parametrize("odd", ['a"b', "a:b", "a\\b", "größe", "a\n"])
def test_no_value_moves_the_claims_behind_it(odd: str) -> None:
    for content in (
        PASS._replace(app=odd),
        PASS._replace(host=odd),
        PASS._replace(id=odd),
        PASS._replace(purpose=odd),
    ):
        with pytest.raises(ValueError, match="cannot be in a pass"):
            write_pass(KEY, content)


def test_a_pass_of_a_former_key_is_read_while_that_key_is_known() -> None:
    text = write_pass(BEFORE, PASS)
    assert read_pass([KEY, BEFORE], text) == PASS
    assert read_pass([KEY], text) is None


@given(st.text() | st.from_regex(r"[\w-]{1,40}\.[\w-]{1,40}\.[\w-]{1,50}", fullmatch=True))
def test_no_other_text_is_a_pass(text: str) -> None:
    assert read_pass([KEY], text) is None


def test_a_changed_claim_or_algorithm_is_refused() -> None:
    head, claims, signature = write_pass(KEY, PASS).split(".")
    forged = json.loads(base64.urlsafe_b64decode(claims + "=="))
    forged["aud"] = "other"
    none = base64.urlsafe_b64encode(b'{"alg":"none"}').decode().rstrip("=")
    body = base64.urlsafe_b64encode(json.dumps(forged).encode()).decode().rstrip("=")
    for text in (f"{head}.{body}.{signature}", f"{none}.{body}.", f"{none}.{claims}.{signature}"):
        assert read_pass([KEY], text) is None
