"""A commit's settings for its build, and the caches of builds, with both builders."""

import hashlib
import json
import os
from collections.abc import Iterator
from ipaddress import ip_network

import pytest
from docker.errors import NotFound

from executor.errors import BuildFailed, ExecutorError, RegistryUnreachable
from executor.limits.confinement import Confinement
from prevs.containers import BuildSettings
from tests.fakes.samples import DOCKERFILE, remove_image
from tests.free_ports import free_port
from tests.integration.docker.builds import APP, SECRET, SHA, TAG, TASK, World

pytestmark = pytest.mark.integration


def in_folder(world: World, folder: str) -> None:
    """Add an app in a folder of the tree, which copies all of it."""
    (world.tree / folder / "bin").mkdir(parents=True)
    (world.tree / "busybox").rename(world.tree / folder / "bin" / "busybox")
    world.write(f"{folder}/Dockerfile", APP)
    world.write(f"{folder}/page", "of the folder\n")
    world.write("page", "of the root\n")


def test_the_context_may_be_more_than_the_folder(world: World) -> None:
    in_folder(world, "web")
    (world.tree / "web" / "bin").rename(world.tree / "bin")
    world.build(folder="web", settings=BuildSettings(context=".."))
    assert world.read("/app/page", "/app/web/page") == "of the root\nof the folder\n"


def test_the_dockerfile_may_be_outside_of_the_context(world: World) -> None:
    in_folder(world, "web")
    world.write("docker/Prod", APP)
    (world.tree / "web" / "Dockerfile").unlink()
    world.build(folder="web", settings=BuildSettings(dockerfile="../docker/Prod"))
    assert world.read("/app/page") == "of the folder\n"


def test_an_app_in_a_folder_is_built_of_that_without_what_dockerignore_names(world: World) -> None:
    in_folder(world, "services/web")
    world.write("services/web/.dockerignore", "# what is not built\n*.md\n!keep.md\n")
    for name in ("drop.md", "keep.md"):
        world.write(f"services/web/{name}", name)
    world.write(".dockerignore", "page\n")
    world.build(folder="services/web")
    assert world.run("cd /app; cat page; echo *") == "of the folder\nDockerfile bin keep.md page\n"


def test_a_dockerignore_of_the_dockerfile_alone_is_read_by_buildkit(world: World) -> None:
    in_folder(world, "web")
    world.write("web/Dockerfile.dockerignore", "page\n")
    world.build(folder="web")
    if world.builder == "buildkit":
        with pytest.raises(NotFound):
            world.read("/app/page")
        return
    assert world.read("/app/page") == "of the folder\n"


def test_a_dockerignore_that_is_not_text_is_reported_as_the_commits_fault(world: World) -> None:
    (world.tree / ".dockerignore").write_bytes(b"\xff\xfe*.md\n")
    if world.builder == "buildkit":
        world.build()
        return
    with pytest.raises(BuildFailed, match="not UTF-8"):
        world.build()


def test_build_arguments_reach_the_steps_and_not_the_builders_own_command(world: World) -> None:
    args = {"GREETING": 'it\'s $HOME, "here"', "EMPTY": ""}
    hostile = {"PATH": "/nowhere", "DOCKER_HOST": "unix:///nowhere", "LD_PRELOAD": "/nowhere.so"}
    lines = ("ARG GREETING", "ARG EMPTY=not", "ARG DOCKER_HOST")
    step = 'RUN echo "$GREETING$EMPTY" > /what; echo $DOCKER_HOST >> /what'
    world.build(*lines, step, settings=BuildSettings(args={**args, **hostile}))
    assert world.read("/what") == 'it\'s $HOME, "here"\nunix:///nowhere\n'


def test_the_target_is_the_stage_that_is_built_and_may_copy_from_an_earlier_one(
    world: World,
) -> None:
    base = DOCKERFILE.replace("scratch", "scratch AS base", 1)
    world.write(
        "Dockerfile",
        f"{base}FROM base AS tools\nRUN echo made > /what\n"
        + "FROM base AS wanted\nCOPY --from=tools /what /copied\n"
        + "FROM base\nRUN echo last > /copied\n",
    )
    world.build(folder=".", settings=BuildSettings(target="wanted"))
    assert world.read("/copied") == "made\n"
    with pytest.raises(NotFound):
        world.read("/what")


def test_a_missing_target_is_named(world: World) -> None:
    with pytest.raises(BuildFailed, match="nowhere"):
        world.build(settings=BuildSettings(target="nowhere"))


@pytest.mark.parametrize("world", ["buildkit"], indirect=True)
def test_a_secret_reaches_only_the_step_that_mounts_it_and_no_image(world: World) -> None:
    value = f"two\nlines of {os.urandom(8).hex()}"
    secrets = {"TOKEN": value, 'a,b="c"': "odd"}
    world.build(
        "RUN --mount=type=secret,id=TOKEN sha256sum < /run/secrets/TOKEN > /what; "
        # A step is known again whatever the secrets are.
        f"echo {os.urandom(4).hex()}",
        'RUN test -z "$TOKEN$PREVS_SECRET_0" && ! test -e /run/secrets/TOKEN',
        secrets=secrets,
    )
    assert world.read("/what").split()[0] == hashlib.sha256(value.encode()).hexdigest()
    last = value.splitlines()[1].encode()
    assert last not in b"".join(world.client.get_image(TAG))
    assert last.decode() not in json.dumps(world.history())
    assert last not in world.log.data
    assert world.log.headers == []


@pytest.mark.parametrize("world", ["classic"], indirect=True)
def test_without_buildkit_a_build_gets_no_secret_and_the_log_shows_it(world: World) -> None:
    world.build("RUN env > /what", secrets={"TOKEN": SECRET})
    warnings = [line for line in world.log.headers if "none of the app's variables" in line]
    assert len(warnings) == 1
    assert SECRET not in world.read("/what")
    assert SECRET not in "".join(world.log.headers)


def test_a_cache_mount_is_kept_for_the_next_build_or_is_empty_without_buildkit(
    world: World,
) -> None:
    mount = f"RUN --mount=type=cache,id={TASK},target=/cache"
    first, second = os.urandom(4).hex(), os.urandom(4).hex()
    if world.builder == "classic":
        world.build(f"{mount} mkdir /cache; echo {first} > /what")
    else:
        world.build(f"{mount} echo {first} > /cache/kept")
        world.build(f"{mount} cp /cache/kept /what; echo {second}")
    assert world.read("/what") == f"{first}\n"


@pytest.mark.parametrize("world", ["buildkit"], indirect=True)
def test_a_cache_of_one_app_is_not_there_for_another(world: World) -> None:
    mount = f"RUN --mount=type=cache,id={TASK}-own,target=/cache"
    world.build(f"{mount} echo {os.urandom(4).hex()} > /cache/kept")
    world.app = "other"
    theirs = BuildSettings(args={"BUILDKIT_CACHE_MOUNT_NS": f"prevs//{TASK}"})
    world.build(f"{mount} ls /cache > /what; echo {os.urandom(4).hex()}", settings=theirs)
    assert world.read("/what") == ""


@pytest.fixture
def image_of_a_commit(world: World) -> Iterator[str]:
    """Give the name of an image as executors keep it, of another app."""
    name = f"prevs/{TASK}:{SHA}"
    world.build()
    world.client.tag(TAG, f"prevs/{TASK}", SHA)
    yield name
    remove_image(world.client, name)


@pytest.mark.parametrize("world", ["buildkit"], indirect=True)
def test_no_build_gets_to_see_the_image_of_a_commit(world: World, image_of_a_commit: str) -> None:
    for lines in (
        "FROM {name}\nRUN true",
        "ARG WHICH={name}\nFROM docker.io/$WHICH",
        "FROM scratch\nCOPY --from={name} /bin /bin",
        DOCKERFILE + "RUN --mount=type=bind,from={name},target=/theirs true",
    ):
        world.write("Dockerfile", lines.format(name=image_of_a_commit))
        with pytest.raises(BuildFailed, match=f"{image_of_a_commit} holds images of commits"):
            world.build(folder=".")


@pytest.mark.parametrize("by", ["line", "argument"])
def test_docker_fetches_from_no_address_unless_the_operator_allows_it(
    world: World, by: str
) -> None:
    lines, shown = {}, {}
    for path in ("f", "x.git") if world.builder == "buildkit" else ("f",):
        address = f"http://127.0.0.1:{free_port()}/{path}"
        given = {"line": [f"ADD {address} /added"], "argument": [f"ARG A={address}", "ADD $A /a"]}
        lines[path], shown[path] = ["RUN true", *given[by]], address.partition("://")[2]
    number = {"line": 5, "argument": 6}[by]
    for path, added in lines.items():
        world.log.headers.clear()
        with pytest.raises(BuildFailed) as caught:
            world.build(*added)
        message = str(caught.value)
        assert f"line {number} of the Dockerfile" in message
        assert "Docker would fetch it in the agent's own network. Fetch it in a RUN step" in message
        # The classic builder does not restrict arguments.
        assert (shown[path] in message) == (world.builder == "buildkit" or by == "line")
        assert world.log.headers == [message]
    world.restart(Confinement(fetches=True))
    for added in lines.values():
        with pytest.raises(ExecutorError, match=r"connect|git error|not open"):
            world.build(*added)


@pytest.mark.parametrize("world", ["buildkit"], indirect=True)
def test_no_image_is_pulled_from_an_address(world: World) -> None:
    host = f"127.0.0.1:{free_port()}"
    for lines in (f"FROM {host}/x\nRUN true", f"# syntax={host}/x\nFROM scratch"):
        world.write("Dockerfile", lines)
        with pytest.raises(BuildFailed, match=f"this agent does not pull {host}/x"):
            world.build(folder=".")
    world.restart(Confinement(allowed=(ip_network("127.0.0.0/8"),)))
    world.write("Dockerfile", f"FROM {host}/x\nRUN true")
    with pytest.raises(RegistryUnreachable, match="connect"):
        world.build(folder=".")


@pytest.mark.parametrize("world", ["buildkit"], indirect=True)
def test_no_step_gets_the_agents_network_or_its_rights(world: World) -> None:
    for flag, refusal in (
        ("--network=host", "network.host is not allowed"),
        # That builders know of it at all is new; where they do, it has to be granted too.
        ("--security=insecure", "security.insecure is not allowed|unknown flag: security"),
    ):
        with pytest.raises(BuildFailed, match=refusal):
            world.build(f"RUN {flag} true")


def test_a_change_of_the_last_lines_builds_only_those_again(world: World) -> None:
    lines = ("RUN head -c 8 /dev/urandom | md5sum > /early", "COPY page /page")
    world.write("page", "one\n")
    world.build(*lines)
    early = world.read("/early")
    world.write("page", "two\n")
    world.build(*lines)
    assert world.read("/early", "/page") == f"{early}two\n"


def test_a_syntax_image_that_cannot_be_fetched_is_reported_with_the_cause(world: World) -> None:
    address = f"127.0.0.1:{free_port()}"
    world.write("Dockerfile", f"# syntax={address}/dockerfile:1\n{DOCKERFILE}")
    if world.builder == "classic":  # to it that is a comment
        world.build(folder=".")
        return
    world.restart(Confinement(allowed=(ip_network("127.0.0.1"),)))
    with pytest.raises(
        RegistryUnreachable, match=f"(?s){address}/dockerfile:1.*connection refused"
    ):
        world.build(folder=".")
