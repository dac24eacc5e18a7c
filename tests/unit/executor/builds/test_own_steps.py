"""executor/builds/own_steps.py: BuildKit's names of steps, and the commit's own Dockerfile."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executor.builds.own_steps import FOREIGN, OwnSteps

DIGEST = "@sha256:" + "0a" * 32
ALONE = """\
FROM python:3
WORKDIR /app
COPY requirements.txt "b c.txt" ./
RUN pip  install -r requirements.txt \\
    # why
    && echo "$HOME"
COPY . .
EXPOSE 8000
CMD ["python", "-m", "app"]
"""
STAGES = """\
# syntax=docker/dockerfile:1
ARG VERSION=22
FROM --platform=$BUILDPLATFORM node:${VERSION:-${OTHER}}-slim AS build
WORKDIR /app
RUN --mount=type=cache,target=/c <<EOF
npm install
RUN make
EOF
FROM build AS tests
RUN npm test
FROM nginx:1
workdir /app
COPY --from=build /app/dist /app
COPY --link --from=busybox:1.36 /bin/sh /sh
COPY <<-'END' /etc/x
\tRUN nothing
\tEND
"""
NAMES = [
    (ALONE, f"[1/5] FROM docker.io/library/python:3{DIGEST}", None),
    (ALONE, "[2/5] WORKDIR /app", None),
    (
        ALONE,
        "[3/5] COPY requirements.txt b c.txt ./",
        '[3/5] COPY requirements.txt "b c.txt" ./',
    ),
    (
        ALONE,
        '[4/5] RUN pip  install -r requirements.txt     && echo "/root"',
        '[4/5] RUN pip install -r requirements.txt && echo "$HOME"',
    ),
    (ALONE, "[internal] load metadata for docker.io/library/python:3", None),
    (ALONE, "exporting to image", None),
    (ALONE.replace("python:3", "scratch"), "[1/4] WORKDIR /app", None),
    (
        STAGES,
        f"[build 1/3] FROM docker.io/library/node:22-slim{DIGEST}",
        f"[build 1/3] FROM node:${{VERSION:-${{OTHER}}}}-slim{DIGEST}",
    ),
    (STAGES, "[linux/amd64 build 2/3] WORKDIR /app", "[build 2/3] WORKDIR /app"),
    (STAGES, "[build 3/3] RUN --mount=type=cache,target=/c <<EOF (npm install...)", None),
    (STAGES, "[tests 1/1] RUN npm test", None),
    (STAGES, "[stage-2 1/5] FROM docker.io/library/nginx:1", None),
    (STAGES, "[stage-2 2/5] WORKDIR /app", None),
    (STAGES, "FROM docker.io/library/busybox:1.36", None),
    (
        STAGES,
        "[stage-2 4/5] LINK COPY --link --from=busybox:1.36 /bin/sh /sh",
        "[stage-2 4/5] COPY --link --from=busybox:1.36 /bin/sh /sh",
    ),
    (STAGES, "[stage-2 5/5] COPY <<-END /etc/x", "[stage-2 5/5] COPY <<-'END' /etc/x"),
    (STAGES, "docker-image://docker.io/docker/dockerfile:1", None),
]


@pytest.mark.parametrize(("dockerfile", "given", "shown"), NAMES)
def test_a_step_of_the_dockerfile_is_shown_as_it_is_written(
    dockerfile: str, given: str, shown: str | None
) -> None:
    assert OwnSteps(dockerfile).name(given) == (shown or given)


@pytest.mark.parametrize(
    ("dockerfile", "given", "shown"),
    [
        (ALONE, "[2/6] WORKDIR /app", "[2/5] WORKDIR /app"),
        (ALONE, "[secret-plan 2/6] WORKDIR /app", "[2/5] WORKDIR /app"),
        (ALONE, "[stage-0 5/5] COPY . .", "[5/5] COPY . ."),
        (STAGES, "[2/6] WORKDIR /app", "WORKDIR /app"),
        (ALONE, "[3/6] COPY secret-plan.txt /plan", FOREIGN),
        (ALONE, "[3/6] COPY requirements.txt b c.txt plan ./", FOREIGN),
        (ALONE, "[1/5] FROM docker.io/library/python:3.11", FOREIGN),
        (ALONE, "[2/5] ONBUILD RUN make", FOREIGN),
        (ALONE, "COPY secret-plan.txt /plan", FOREIGN),
        (ALONE, "what another one's frontend says", FOREIGN),
        (STAGES, "[stage-2 5/5] RUN nothing", FOREIGN),
        (STAGES, "[build 3/3] RUN make", FOREIGN),
    ],
)
def test_of_another_builds_name_nothing_is_shown(dockerfile: str, given: str, shown: str) -> None:
    assert OwnSteps(dockerfile).name(given) == shown


def test_names_of_a_frontend_that_the_commit_has_chosen_stay() -> None:
    steps = OwnSteps(f"# syntax=example.org/frontend\n{ALONE}")
    assert steps.name("install packages") == "install packages"
    assert steps.name("[2/5] WORKDIR /app") == "[2/5] WORKDIR /app"
    assert steps.name("[3/6] COPY secret-plan.txt /plan") == FOREIGN


@pytest.mark.parametrize(
    ("image", "name"),
    [
        ("alpine", "docker.io/library/alpine:latest"),
        ("team/app:1", "docker.io/team/app:1"),
        ("docker.io/alpine", "docker.io/library/alpine:latest"),
        ("ghcr.io/team/app", "ghcr.io/team/app:latest"),
        ("localhost/app", "localhost/app:latest"),
        ("here:5000/app:2", "here:5000/app:2"),
        (f"alpine{DIGEST}", f"docker.io/library/alpine{DIGEST}"),
        (f"alpine:3{DIGEST}", f"docker.io/library/alpine:3{DIGEST}"),
    ],
)
def test_a_base_image_is_found_by_its_complete_name(image: str, name: str) -> None:
    steps = OwnSteps(f"FROM {image}\nRUN true\n")
    assert steps.name(f"[1/2] FROM {name}") == f"[1/2] FROM {name}"


WORDS = st.sampled_from(
    ["a", "b", "secret", "$V", "${V:-b}", "\\$", '"a b"', "/", "--x=a", "[1/2]"]
)
INSTRUCTIONS = st.builds(
    lambda word, rest: " ".join([word, *rest]),
    st.sampled_from(
        ["RUN", "COPY", "ADD", "WORKDIR", "FROM x AS", "FROM", "ENV", "run", "ONBUILD"]
    ),
    st.lists(WORDS, min_size=1, max_size=4),
)
DOCKERFILES = st.lists(INSTRUCTIONS, max_size=6).map(lambda lines: "\n".join(["FROM x", *lines]))


@given(DOCKERFILES, DOCKERFILES, st.integers(1, 7), st.integers(1, 7), st.sampled_from(["", "q "]))
def test_whatever_a_name_says_what_is_shown_is_in_the_own_dockerfile(
    own: str, other: str, number: int, count: int, stage: str
) -> None:
    steps = OwnSteps(own)
    theirs = [" ".join(line.split()) for line in other.split("\n")]
    lines = {" ".join(line.split()).casefold() for line in own.split("\n")}
    for text in theirs:
        shown = steps.name(f"[{stage}{number}/{count}] {text}")
        if shown == FOREIGN or text.startswith("FROM"):
            continue
        assert re.sub(r"^\[[^\]]*?\d+/\d+\] ", "", shown, count=1).casefold() in lines
        assert not shown.startswith("[q ")
