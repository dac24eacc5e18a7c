"""executor/git/commit_size.py: the limits on the size of a commit."""

import pytest

from executor.errors import CommitTooLarge
from executor.git.commit_size import LONGEST_PATH, MOST_BYTES, MOST_FILES, MOST_NAMES, CommitSize
from prevs.states import Cause

SHA = "a" * 40
BLOB = f"100644 blob {'b' * 40}"


def test_files_are_read_from_pieces_that_end_anywhere() -> None:
    output = (
        f"040000 tree {'c' * 40}       -\td\0{BLOB} {MOST_BYTES - 5}\td/x\ty\0{BLOB}       5\tz\0"
    )
    for length in (1, 7, len(output)):
        size = CommitSize(SHA)
        listing = size.listing()
        for begin in range(0, len(output), length):
            listing.take(output[begin : begin + length].encode())
        with pytest.raises(CommitTooLarge, match="8 GB of files"):
            size.add_bytes(1)


def test_one_file_too_many_is_refused() -> None:
    size = CommitSize(SHA)
    listing = size.listing()
    listing.take(f"{BLOB} 1\tx\0".encode() * MOST_FILES)
    with pytest.raises(CommitTooLarge, match="aaaaaaa has more than 200,000 files") as caught:
        size.listing().take(f"{BLOB} 1\tx\0".encode())
    assert caught.value.cause is Cause.COMMIT_TOO_LARGE


def test_the_names_of_all_files_together_are_limited() -> None:
    size = CommitSize(SHA)
    for _ in range(MOST_NAMES // 4000):
        size.add(4000, 0)
    with pytest.raises(CommitTooLarge, match="16 MB of file names"):
        size.add(1, 0)


@pytest.mark.parametrize("end", [b"\0", b""])
def test_a_path_over_the_longest_length_is_refused_before_it_ends(end: bytes) -> None:
    listing = CommitSize(SHA).listing()
    listing.take(f"{BLOB}       1\t".encode() + b"x" * LONGEST_PATH)
    with pytest.raises(CommitTooLarge, match="4,096 bytes in one file's path"):
        listing.take(b"x" + end)


def test_submodules_and_missing_objects_have_no_size() -> None:
    size = CommitSize(SHA)
    size.add_bytes(MOST_BYTES)
    size.listing().take(f"160000 commit {'d' * 40}       -\tlib\0{BLOB}     BAD\tx\0".encode())
    with pytest.raises(CommitTooLarge):
        size.listing().take(f"{BLOB}       1\ty\0".encode())
