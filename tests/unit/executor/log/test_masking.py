import base64
from collections.abc import Callable, Sequence

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from executor.log.masking import MASK, SHORTEST, Mask, secret_texts

FEW = st.text("ab\n", min_size=4, max_size=9)
PIECE = st.text("ab \n", max_size=6)
STREAMS = st.lists(FEW, max_size=4).flatmap(
    lambda values: st.tuples(st.just(values), st.lists(PIECE | st.sampled_from([*values, ""])))
)
"""Secrets, and the pieces of a text that has some of them."""


def show(texts: frozenset[bytes], pieces: Sequence[bytes]) -> bytes:
    mask = Mask(texts or frozenset({b"no text has this"}))
    return b"".join([*map(mask.feed, pieces), mask.flush()])


def cover(texts: frozenset[bytes], data: bytes) -> bytes:
    """Return the expected output, byte by byte."""
    covered = [
        any(
            data[begin : begin + len(text)] == text
            for text in texts
            for begin in range(max(0, at - len(text) + 1), at + 1)
        )
        for at in range(len(data))
    ]
    shown = b""
    for at, hidden in enumerate(covered):
        if not hidden:
            shown += data[at : at + 1]
        elif at == 0 or not covered[at - 1]:
            shown += MASK
    return shown


@given(STREAMS)
def test_every_byte_of_a_secret_is_masked_wherever_pieces_end_and_no_other(
    stream: tuple[list[str], list[str]],
) -> None:
    texts, pieces = secret_texts(stream[0]), [piece.encode() for piece in stream[1]]
    assert show(texts, pieces) == cover(texts, b"".join(pieces))


@given(st.lists(st.binary(min_size=4), min_size=1, max_size=3), st.binary(), st.integers(0, 99))
def test_any_bytes_are_accepted(texts: list[bytes], data: bytes, at: int) -> None:
    whole = data[:at] + texts[0] + data[at:]
    for size in (1, 3, 1000):
        pieces = [whole[begin : begin + size] for begin in range(0, len(whole), size)]
        assert show(frozenset(texts), pieces) == show(frozenset(texts), [whole])


def test_only_a_possible_beginning_of_a_secret_waits() -> None:
    mask = Mask(secret_texts(["hunter2"]))
    assert mask.feed(b"password: hun") == b"password: "
    assert mask.feed(b"gry? ") == b"hungry? "
    assert mask.feed(b"hunter2, hunter") == b"***, "
    assert mask.flush() == b"hunter"
    assert mask.feed(b"2\n") == b"2\n"


def test_secrets_that_overlap_are_masked_as_one() -> None:
    texts = secret_texts(["abcd", "cdef", "abcdefgh"])
    assert show(texts, [b"x abcdef x abcdefgh x abcdabcd x"]) == b"x *** x *** x *** x"
    assert show(texts, [b"abc", b"d", b"ef", b" ab"]) == b"*** ab"


@pytest.mark.parametrize(
    ("values", "texts"),
    [
        (["", "abc", "größ"], {"größ".encode()}),
        (["-----BEGIN\r\n  key1\r\nend\n"], {b"-----BEGIN", b"key1"}),
        ([], set()),
    ],
)
def test_short_texts_stay_and_long_ones_are_masked_line_by_line(
    values: list[str], texts: set[bytes]
) -> None:
    found = secret_texts(values)
    assert texts <= found
    assert not found & {b"", b"abc", b"end"}
    assert bool(found) == bool(texts)


SECRETS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\n"), min_size=6)
AROUND = st.binary(max_size=7)


@given(SECRETS, AROUND, AROUND, st.sampled_from([base64.b64encode, base64.urlsafe_b64encode]))
def test_base64_of_data_with_a_secret_shows_at_most_bits_of_its_ends(
    secret: str, before: bytes, after: bytes, encode: Callable[[bytes], bytes]
) -> None:
    secret = secret.strip()
    assume(len(secret) >= SHORTEST)
    text = secret.encode()
    coded = encode(before + text + after)
    first, last = -(-len(before) * 8 // 6), (len(before) + len(text)) * 8 // 6
    for shown in (coded, coded.rstrip(b"=")):
        masked = show(secret_texts([secret]), [b"a ", shown, b" z"])
        assert MASK in masked
        assert coded[first:last] not in masked


@pytest.mark.parametrize(
    "form",
    [
        b"a+b%2Fc%3D%22d%5Ce%3C%C3%B6",
        b"a%20b%2fc%3d%22d%5ce%3c%c3%b6",
        b"a%20b/c%3D%22d%5Ce%3C%C3%B6",
        b"a%20b/c=%22d%5Ce%3C%C3%B6",
        b'a b/c=\\"d\\\\e<\xc3\xb6',
        b'a b/c=\\"d\\\\e<\\u00f6',
        b'a b\\/c=\\"d\\\\e<\\u00f6',
        b'a b/c=\\"d\\\\e\\u003c\xc3\xb6',
    ],
)
def test_a_secret_is_masked_in_its_url_and_json_forms(form: bytes) -> None:
    texts = secret_texts(['a b/c="d\\e<ö'])
    assert show(texts, [b"x: ", form, b".\n"]) == b"x: ***.\n"


@pytest.mark.parametrize("size", [64, 76])
def test_a_key_in_base64_is_masked_in_lines_of_any_usual_length(size: int) -> None:
    key = "".join(chr(33 + number * 7 % 90) for number in range(300))
    coded = base64.b64encode(key.encode())
    lines = [coded[at : at + size] for at in range(0, len(coded), size)]
    masked = show(secret_texts([key]), [line + b"\n" for line in lines])
    assert masked.count(MASK) == len(lines)
    assert len(masked) < len(lines) * 10


def test_the_masked_forms_of_a_secret_grow_linearly_with_it() -> None:
    sizes = {length: secret_texts(["%/+ö" * length]) for length in (1000, 2000)}
    small, large = (sum(map(len, texts)) for texts in sizes.values())
    assert large < 2.1 * small
    assert len(secret_texts(["%/+ö<" * 10])) < 40
