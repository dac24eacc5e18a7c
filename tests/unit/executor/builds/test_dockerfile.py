"""executor/builds/dockerfile.py: which lines add something from an address."""

import pytest

from executor.builds.dockerfile import (
    BUILDKIT,
    CLASSIC,
    find_added,
    find_own_frontend,
    without_caches,
)


@pytest.mark.parametrize(
    ("dockerfile", "number"),
    [
        ("FROM a\nADD http://x /y", 2),
        ("add --chown=1:1 --checksum=sha256:0 https://x/ /y", 1),
        ('ADD ["a", "https://x", "/y"]', 1),
        ('ADD ["\\u0068ttp://x", "/y"]', 1),
        ("ADD a http://x /y", 1),
        ("ADD HTTP://x /y", 1),
        ("FROM a\nONBUILD ADD http://x /y", 2),
        # However it is written
        ('ADD h"tt"p://x /y', 1),
        ("ADD h\\ttp://x /y", 1),
        ("ADD \\\n# why\n\n http://x \\\n /y", 1),
        ("AD\\\nD http://x /y", 1),
        ("# escape=`\nADD h`\nttp://x /y", 2),
        ("\ufeff# escape=`\r\nADD h`\r\nttp://x /y", 2),
        ("RUN a \\\\\nADD http://x /y", 2),
        ("ADD\vhttp://x\f/y", 1),
        # whatever is in a variable: a base image may have set it
        ("ARG X=file\nADD $X /y", 2),
        ("ADD ${X:-file} /y", 1),
        ("ADD ht$X /y", 1),
        ("ADD https:/$X /y", 1),
        ("ADD http://$X /y", 1),
    ],
)
def test_an_address_is_found_however_it_is_written(dockerfile: str, number: int) -> None:
    assert [line.number for line in find_added(dockerfile, CLASSIC)] == [number]


@pytest.mark.parametrize(
    "line",
    [
        "ADD file /y",
        "ADD file $X",
        "ADD src/$X /y",
        "ADD file http://x",
        "COPY $X /y",
        "# ADD http://x /y",
        "RUN echo \\\n  ADD http://x /y",
        "RUN curl http://x",
        "ADDRESS http://x /y",
        "ADD http /y",
        "ADD",
        "",
    ],
)
def test_every_other_text_is_not_an_address(line: str) -> None:
    assert find_added(line, CLASSIC) == []


def test_buildkit_adds_from_git_too() -> None:
    for source in ("git@example.org:a.git", "git://example.org/a", "ssh://git@example.org/a"):
        assert find_added(f"ADD {source} /y", BUILDKIT)
        assert not find_added(f"ADD {source} /y", CLASSIC)


def test_a_continued_line_is_shown_on_one_line() -> None:
    assert find_added("ADD \\\n  http://x \\\n\t/y", CLASSIC)[0].text == "ADD http://x /y"


@pytest.mark.parametrize(
    ("text", "frontend"),
    [
        ("FROM scratch", None),
        ("# syntax=docker/dockerfile:1.7-labs\nFROM scratch", None),
        ("# syntax = docker.io/docker/dockerfile-upstream:master\nFROM scratch", None),
        (f"#syntax=docker/dockerfile@sha256:{'a' * 64}", None),
        ("RUN protoc --syntax=proto3", None),
        ("#syntax=evil/frontend\nFROM scratch", "evil/frontend"),
        ("#!/bin/x\n// Syntax=docker/dockerfile.evil/x", "docker/dockerfile.evil/x"),
        ("# escape=`\n# syntax=docker/dockerfile@evil", "docker/dockerfile@evil"),
        ('\ufeff {"syntax": "evil"}', "one that is written in JSON"),
    ],
)
def test_a_frontend_is_found(text: str, frontend: str | None) -> None:
    assert find_own_frontend(text) == frontend


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("RUN --mount=type=cache,target=/c npm ci", "RUN npm ci"),
        ("run  --mount=target=/c,type=cache --network=none a", "run  --network=none a"),
        ("RUN --mount=type=cache,target=/a \\\n  --mount=type=cache,target=/b x", "RUN x"),
        (
            "RUN --mount=type=secret,id=a --mount=type=cache,target=/b x",
            "RUN --mount=type=secret,id=a x",
        ),
        ("RUN echo --mount=type=cache,target=/c", "RUN echo --mount=type=cache,target=/c"),
        ("COPY --mount=type=cache,a b", "COPY --mount=type=cache,a b"),
        ("FROM a\nRUN --mount=type=cache,target=/c x\nRUN y", "FROM a\nRUN x\nRUN y"),
    ],
)
def test_cache_mounts_are_left_out_for_a_builder_that_does_not_know_them(
    text: str, plain: str
) -> None:
    assert without_caches(text) == plain


def test_a_dockerfile_of_flags_alone_is_read_in_time() -> None:
    flags = "RUN " + "--mount=type=cache," * 50_000
    assert without_caches(flags) == flags
