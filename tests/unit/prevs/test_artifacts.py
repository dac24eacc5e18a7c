import json
import os.path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from prevs.artifacts import LONGEST_LIST, MOST, Artifact, ArtifactsRecord, is_path
from prevs.codec import RecordError

PATHS = st.lists(st.text("ab.\u202e\n é", max_size=3), max_size=4).map("/".join) | st.text()


@given(PATHS)
@example("a/../../b")
@example("/etc/passwd")
@example("..")
def test_no_path_leads_out_or_is_another_one(path: str) -> None:
    if is_path(path):
        assert os.path.normpath(f"/folder/{path}") == f"/folder/{path}"
        assert path == path.encode().decode()
        assert ArtifactsRecord.decode(ArtifactsRecord((Artifact(path, 3),)).encode())
    else:
        with pytest.raises(RecordError):
            ArtifactsRecord.decode(b'{"v":1,"artifacts":[{"path":%b,"size":1}]}' % quoted(path))


def quoted(path: str) -> bytes:
    return json.dumps(path).encode()


@pytest.mark.parametrize(
    "path", ["report.csv", "a/b/c.html", "größe & 'x' 100 %.txt", ".hidden", "...", "a\\b"]
)
def test_usual_names_are_paths(path: str) -> None:
    assert is_path(path)


def test_the_longest_list_is_bounded() -> None:
    longest = ArtifactsRecord((Artifact('"' * 500, 10**18),) * MOST)
    assert len(longest.encode()) <= LONGEST_LIST
    assert not is_path("x" * 501)
