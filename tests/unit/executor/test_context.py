"""executor/context.py: whether a commit's files can be built."""

from pathlib import Path

import pytest

from executor.context import check_context
from executor.errors import DockerfileMissing

SHA = "5c80e7d" + "0" * 33


def test_a_folder_with_a_dockerfile_can_be_built(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    check_context(tmp_path, SHA)


def test_a_missing_dockerfile_is_told_with_the_commit(tmp_path: Path) -> None:
    with pytest.raises(DockerfileMissing) as caught:
        check_context(tmp_path, SHA)
    assert str(caught.value) == (
        "There is no Dockerfile at the root of commit 5c80e7d. "
        "Add one and push, then open the new commit's address."
    )


def test_a_folder_is_no_dockerfile(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").mkdir()
    with pytest.raises(DockerfileMissing, match="is no file"):
        check_context(tmp_path, SHA)


def test_a_dockerfile_may_be_a_link_within_the_commit(tmp_path: Path) -> None:
    (tmp_path / "docker").mkdir()
    (tmp_path / "docker" / "Dockerfile").write_text("FROM scratch\n")
    (tmp_path / "Dockerfile").symlink_to("docker/Dockerfile")
    check_context(tmp_path, SHA)


@pytest.mark.parametrize("name", ["Dockerfile", ".dockerignore"])
@pytest.mark.parametrize("target", ["/etc/passwd", "../../etc/passwd", "/dev/zero"])
def test_a_link_out_of_the_commit_is_refused(tmp_path: Path, name: str, target: str) -> None:
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    (tmp_path / name).unlink(missing_ok=True)
    (tmp_path / name).symlink_to(target)
    with pytest.raises(DockerfileMissing, match="leads out of it"):
        check_context(tmp_path, SHA)


def test_a_link_that_leads_to_itself_is_refused(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").symlink_to("Dockerfile")
    with pytest.raises(DockerfileMissing):
        check_context(tmp_path, SHA)
