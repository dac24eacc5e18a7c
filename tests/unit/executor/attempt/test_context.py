"""executor/attempt/context.py: which part of a commit is built."""

from pathlib import Path

import pytest

from executor.attempt.context import find_context, read_dockerfile
from executor.errors import ContextInvalid, DockerfileMissing
from executor.ports import Context
from prevs.containers import BuildSettings
from prevs.states import Cause

SHA = "5c80e7d" + "0" * 33


def find(
    tree: Path, folder: str = "", dockerfile: str = "Dockerfile", context: str = "."
) -> Context:
    return find_context(tree, SHA, folder, BuildSettings(dockerfile, context))


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A commit with an app at its root and one in a folder."""
    made = tmp_path / "tree"
    (made / "services" / "web" / "docker").mkdir(parents=True)
    for file in ("Dockerfile", "services/web/Dockerfile", "services/web/docker/Prod"):
        (made / file).write_text("FROM scratch\n")
    return made


@pytest.mark.parametrize(
    ("arguments", "folder", "dockerfile"),
    [
        ((), "", "Dockerfile"),
        (("services/web",), "services/web", "services/web/Dockerfile"),
        (("services/web", "docker/Prod"), "services/web", "services/web/docker/Prod"),
        (
            ("services/web", "Dockerfile", "docker"),
            "services/web/docker",
            "services/web/Dockerfile",
        ),
        # Up, within the commit.
        (("services/web", "Dockerfile", "../.."), "", "services/web/Dockerfile"),
        (("services/web", "../../Dockerfile"), "services/web", "Dockerfile"),
        (("", "Link"), "", "services/web/docker/Prod"),
    ],
)
def test_paths_are_those_of_the_folder_and_stay_within_the_commit(
    tree: Path, arguments: tuple[str, ...], folder: str, dockerfile: str
) -> None:
    (tree / "Link").symlink_to("services/web/docker/Prod")
    assert find(tree, *arguments) == Context(tree / folder, tree / dockerfile)


def test_the_error_of_a_missing_dockerfile_names_the_commit(tree: Path) -> None:
    (tree / "Dockerfile").unlink()
    with pytest.raises(DockerfileMissing) as caught:
        find(tree)
    assert str(caught.value) == (
        "There is no Dockerfile at the root of commit 5c80e7d. "
        "Add one and push, then open the new commit's address."
    )


@pytest.mark.parametrize(
    ("folder", "dockerfile", "message"),
    [
        (
            "services/api",
            "Dockerfile",
            "no file services/api/Dockerfile, a Dockerfile, of commit 5",
        ),
        ("services/web", "docker/Test", "no file services/web/docker/Test, a Dockerfile, of com"),
        ("", "./docker/../Other", "no file Other, a Dockerfile, of commit 5c80e7d"),
        ("services", "web", "services/web of commit 5c80e7d is not a file"),
    ],
)
def test_the_error_names_the_missing_path(
    tree: Path, folder: str, dockerfile: str, message: str
) -> None:
    with pytest.raises(DockerfileMissing, match=message):
        find(tree, folder, dockerfile)


@pytest.mark.parametrize("context", ["nothing", "Dockerfile"])
def test_a_context_that_is_not_a_folder_is_an_error_of_the_settings(
    tree: Path, context: str
) -> None:
    message = f"context {context} of commit 5c80e7d is not a folder"
    with pytest.raises(ContextInvalid, match=message) as caught:
        find(tree, context=context)
    assert caught.value.cause is Cause.SETTINGS_INVALID


OUT = ["/etc/passwd", "../../etc/passwd", "/dev/zero", "../tree-2/Dockerfile"]


@pytest.mark.parametrize("target", OUT)
@pytest.mark.parametrize("name", ["Dockerfile", ".dockerignore", "Dockerfile.dockerignore"])
def test_a_link_out_of_the_commit_is_refused(tree: Path, name: str, target: str) -> None:
    (tree.parent / "tree-2").mkdir()
    (tree.parent / "tree-2" / "Dockerfile").write_text("FROM scratch\n")
    (tree / name).unlink(missing_ok=True)
    (tree / name).symlink_to(target)
    with pytest.raises(DockerfileMissing, match=r"leads out of"):
        find(tree)


@pytest.mark.parametrize("dockerfile", [*OUT, "up/passwd", "\0"])
def test_a_dockerfile_out_of_the_commit_is_refused(tree: Path, dockerfile: str) -> None:
    (tree / "up").symlink_to("/etc")
    with pytest.raises(DockerfileMissing, match=r"leads out of"):
        find(tree, dockerfile=dockerfile)


def test_a_dockerfile_that_prevs_wrote_is_beside_the_commit(tree: Path) -> None:
    (tree / "Dockerfile").unlink()
    recipe = BuildSettings(context="services/web", text="FROM debian\n")
    found = find_context(tree, SHA, "", recipe)
    assert found.folder == tree / "services" / "web"
    assert read_dockerfile(found) == "FROM debian\n"
    assert tree not in found.dockerfile.parents
    (tree / "services" / "web" / ".dockerignore").symlink_to("/etc/passwd")
    with pytest.raises(DockerfileMissing, match=r"leads out of"):
        find_context(tree, SHA, "", recipe)


@pytest.mark.parametrize("context", ["..", "/", "/etc", "up", "up/ssl", "../tree-2", "\0"])
def test_a_context_out_of_the_commit_is_refused(tree: Path, context: str) -> None:
    (tree / "up").symlink_to("/etc")
    with pytest.raises(ContextInvalid, match=r"leads out of the commit"):
        find(tree, context=context)


def test_a_folder_that_is_a_link_out_of_the_commit_or_to_itself_is_refused(tree: Path) -> None:
    outside = tree.parent / "outside"
    outside.mkdir()
    (outside / "Dockerfile").write_text("FROM scratch\n")
    (tree / "app").symlink_to(outside)
    with pytest.raises(DockerfileMissing, match=r"leads out of"):
        find(tree, "app")
    (tree / "Loop").symlink_to("Loop")
    with pytest.raises(DockerfileMissing):
        find(tree, dockerfile="Loop")
