"""The records of pull requests and repositories whose bytes test_pinned_bytes.py pins."""

from typing import Any

from prevs.pulls import PullRecord, RepositoryRecord, Told

SHA = "5c80e7d1a2b3c4d5e6f708192a3b4c5d6e7f8091"

WRITTEN: dict[str, Any] = {
    "repository": RepositoryRecord("hello", "https://git.example.org/hello", "7", "99"),
    "pull": PullRecord(
        app="hello",
        number=7,
        sha=SHA,
        ref="pull/7/head",
        base="main",
        may_write=True,
        author="grace",
        title="Grüße in three languages",
        url="https://git.example.org/hello/pull/7",
        draft=True,
        updated=1700000000.5,
        closed=1700000009.0,
        approved_commit=SHA,
        approved_by="ada",
        approved_at=1700000005.0,
        told=Told(
            repository="https://git.example.org/größe.git",
            comment="501",
            comment_digest="0123456789abcdef",
            is_gone=True,
            status_digest="fedcba9876543210",
            status_sha=SHA,
            is_pending=True,
            deployment="9",
            deployed=SHA,
            deployment_digest="00112233aabbccdd",
            said="being built",
            problems={"comment": "It is locked."},
        ),
        branch="feature/größe",
    ),
}

LEAST: dict[str, Any] = {
    "pull": PullRecord(app="hello", number=7, sha=SHA, ref="pull/7/head"),
    "repository": RepositoryRecord(app="hello", repository="/srv/hello", id="7"),
}
