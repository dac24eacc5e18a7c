import json

from hypothesis import given
from hypothesis import strategies as st

from program.http.server_events import ServerEvent
from proxy.framework.log_window import LogWindow, Reader


def piece(text: str, end: int) -> ServerEvent:
    return ServerEvent("log", json.dumps(text, ensure_ascii=False), str(end))


def window(*texts: str, begin: int = 0, most: int = 1000) -> LogWindow:
    made = LogWindow(begin, most)
    for text in texts:
        made.add(piece(text, made.end + len(text.encode())))
    return made


def read(source: LogWindow, reader: Reader) -> str:
    texts = []
    while not source.is_ahead_of(reader) and (event := source.take(reader)):
        texts.append(json.loads(event.data))
    return "".join(texts)


@given(
    st.lists(st.text(min_size=1, max_size=20), max_size=12),
    st.integers(1, 60),
    st.lists(st.integers(0, 200), min_size=1, max_size=5),
    st.data(),
)
def test_late_and_slow_readers_get_the_whole_log_in_order(
    texts: list[str], most: int, places: list[int], data: st.DataObject
) -> None:
    whole, source = b"", LogWindow(0, most)
    readers = [Reader(0) for _ in places]
    got = [b"" for _ in places]

    def let_read(number: int) -> None:
        reader = readers[number]
        if source.is_ahead_of(reader):  # earlier events are read elsewhere, up to any offset
            end = data.draw(st.integers(source.begin, source.end))
            while end < len(whole) and whole[end] & 0xC0 == 0x80:
                end += 1
            got[number] += whole[reader.place : end]
            readers[number] = reader = Reader(end)
        got[number] += read(source, reader).encode("utf-8", "surrogatepass")

    for text in texts:
        raw = text.encode("utf-8", "surrogatepass")
        whole += raw
        source.add(piece(text, len(whole)))
        for number, place in enumerate(places):
            if place % 3 == 0 or data.draw(st.booleans()):
                let_read(number)
    for number in range(len(places)):
        let_read(number)
    assert got == [whole] * len(places)
    assert source.end == len(whole)


def test_a_returning_reader_gets_the_rest_of_a_split_event() -> None:
    source = window("one", "zwölf", "three")
    assert read(source, Reader(3)) == "zwölfthree"
    assert read(source, Reader(5)) == "ölfthree"
    assert read(source, Reader(source.end)) == ""
    reader = Reader(source.end + 2)
    assert read(source, reader) == ""
    source.add(piece("more", source.end + 4))
    assert read(source, reader) == "re"


def test_a_window_has_a_limit_and_keeps_at_least_the_last_event() -> None:
    source = window("a" * 40, "b" * 40, "c" * 40, most=90)
    assert source.begin == 40
    assert source.is_ahead_of(Reader(0))
    assert read(source, Reader(40)) == "b" * 40 + "c" * 40
    source.add(piece("d" * 500, source.end + 500))
    assert source.begin == 120
    assert read(source, Reader(120)) == "d" * 500


def test_a_slow_reader_falls_behind_the_window() -> None:
    source = window("a" * 40, most=90)
    reader = Reader(0)
    assert read(source, reader) == "a" * 40
    source.add(piece("b" * 80, 120))
    source.add(piece("c" * 80, 200))
    assert source.is_ahead_of(reader)
    assert reader.place == 40


def test_undecodable_bytes_are_repeated_and_not_lost() -> None:
    source = LogWindow(0)
    source.add(piece("ab\ufffdcd", 5))
    assert read(source, Reader(3)) == "ab\ufffdcd"


def test_every_caller_gets_the_reason_why_there_is_no_log() -> None:
    source = window("abc")
    source.add(piece("== not shown ==", 3))
    reader = Reader(0)
    assert read(source, reader) == "abc== not shown =="
    assert read(source, reader) == ""
    assert read(source, Reader(3)) == "== not shown =="
