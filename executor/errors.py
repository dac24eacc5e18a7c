"""Every way in which an attempt fails, as one family.

ExecutorError                  `cause` is for programs; str() is a sentence for people
├── RepositoryUnreachable      git could not read the repository in time
│   ├── RepositoryMoved        its server redirects to another one, which is not followed
│   ├── SubmoduleUnusable      a submodule of the commit cannot be fetched
│   └── LargeFilesMissing      Git LFS did not deliver the commit's large files
├── LargeFilesUnsupported      the commit has large files, and the agent has no git-lfs
├── CommitMissing              the commit is on no branch or tag of the repository
├── CommitUnusable             git refuses to write the commit's files
├── CommitTooLarge             the commit has more or larger files than agents accept
├── DockerfileMissing          the commit has no usable Dockerfile
├── ContextInvalid             the build's context is not a folder of the commit
├── BuildFailed                the build failed, or took too long
├── BuildExposed               builds must be isolated from the agent, and cannot be
├── PreviewExposed             previews must be isolated from others, and cannot be
├── StartFailed                docker could not create or start the container
│   └── ImageMissing           because its image was removed
├── HookFailed                 a hook, which runs before the application, failed
├── AppExited, OutOfMemory     the container ended; it may have an `exit_code`
├── DiskFull                   the container wrote too much to the agent's disk
├── NeverListened, Unhealthy   the container runs, and did not pass its health check
│   └── NotServing             the same for gRPC
├── DataInUse                  another commit's preview does not let go of their branch's data
├── AgentUnfit                 the agent's Docker, disk or network failed, not the commit
├── RegistryUnreachable        the registry of a base image does not answer
└── DockerUnavailable          the agent's docker daemon does not answer
    └── DockerRestarted        it was restarted, and its end ended the container
RegistryFailed                 no failure of the attempt, which goes on without the registry
Stopped                        no error: the attempt was stopped
"""

from __future__ import annotations

from typing import ClassVar

from prevs import names
from prevs.states import Cause

EXIT_HINTS = {
    126: " (its command cannot be executed)",
    127: " (its command was not found)",
    137: " (killed, as the kernel does when memory runs out)",
}
"""What these exit codes of shells and of docker's init mean. With cgroup v2 docker often does not
notice that memory ran out: the kernel's counter is removed with the container's group."""


def close(why: str) -> str:
    """Return a foreign sentence with exactly one full stop or other mark at its end."""
    return why if why.endswith((".", "?", "!", "…")) else f"{why}."


class ExecutorError(Exception):
    """An attempt failed; str() has the reason and the next step.

    `result` is what the command of a job left before it failed.
    """

    cause: ClassVar[Cause] = Cause.EXECUTOR_FAILED
    exit_code: int | None = None
    result: bytes = b""


class RepositoryUnreachable(ExecutorError):
    """git could not read the repository; `why` is git's own error line, or its meaning."""

    cause = Cause.REPOSITORY_UNREACHABLE

    def __init__(self, repository: str, why: str, advice: str = "") -> None:
        advice = advice or (
            "Check that its address is right and that the agents may read it, then retry"
        )
        super().__init__(f"The repository cannot be read ({repository}): {close(why)} {advice}.")
        self.repository = repository
        self.why = why


class RepositoryMoved(RepositoryUnreachable):
    """The repository's server redirects to where git may not follow."""


class SubmoduleUnusable(RepositoryUnreachable):
    """A submodule cannot be fetched; `path` is its place in the commit's files."""

    def __init__(self, path: str, why: str, advice: str = "") -> None:
        advice = advice or "Change .gitmodules and push, then open the new commit's address"
        ExecutorError.__init__(self, f"The submodule {path} cannot be used: {close(why)} {advice}.")
        self.path = path
        self.why = why


class LargeFilesMissing(RepositoryUnreachable):
    """Git LFS did not deliver the large files of a commit."""

    def __init__(self, repository: str, why: str, advice: str = "") -> None:
        advice = advice or "Check that they were pushed (`git lfs push --all`), then retry"
        ExecutorError.__init__(
            self, f"The large files in Git LFS are missing ({repository}): {close(why)} {advice}."
        )
        self.repository = repository
        self.why = why


class LargeFilesUnsupported(ExecutorError):
    """The commit has files in Git LFS, such as `example`, and this agent has no git-lfs."""

    def __init__(self, count: int, example: str) -> None:
        files = "a file" if count == 1 else f"{count} files"
        super().__init__(
            f"The commit has {files} in Git LFS ({example}), and this agent has no git-lfs. Have "
            "its operator install it (Debian: `apt-get install git-lfs`), then retry."
        )
        self.count = count


class CommitMissing(ExecutorError):
    """The repository has no such commit on any branch or tag."""

    cause = Cause.COMMIT_MISSING

    def __init__(self, repository: str, sha: str) -> None:
        super().__init__(
            f"Commit {names.short(sha)} is no longer on any branch or tag of {repository}. Push "
            "it again, or open the address of another commit."
        )
        self.sha = sha


class CommitUnusable(ExecutorError):
    """git refuses to write the files of a commit; `why` is git's own error line."""

    cause = Cause.COMMIT_MISSING

    def __init__(self, sha: str, why: str) -> None:
        super().__init__(
            f"git cannot write the files of commit {names.short(sha)}: {close(why)} Change their "
            "names and push, then open the new commit's address."
        )
        self.sha = sha


class CommitTooLarge(ExecutorError):
    """The commit, with its submodules and large files, has more than `limit`."""

    cause = Cause.COMMIT_TOO_LARGE

    def __init__(self, sha: str, limit: str) -> None:
        super().__init__(
            f"Commit {names.short(sha)} has more than {limit}, with its submodules and its files "
            "in Git LFS, and agents accept no more. Keep what the build does not need out of the "
            "repository, or fetch it in the Dockerfile. Push, then open the new commit's address."
        )
        self.sha = sha


class DockerfileMissing(ExecutorError):
    """The commit has no usable Dockerfile; `why` is a sentence about it."""

    cause = Cause.DOCKERFILE_MISSING

    def __init__(self, sha: str, why: str | None = None) -> None:
        found = why or f"There is no Dockerfile at the root of commit {names.short(sha)}."
        super().__init__(f"{found} Add one and push, then open the new commit's address.")
        self.sha = sha


class ContextInvalid(ExecutorError):
    """The build's context in the commit's settings is not a folder that builds may read."""

    cause = Cause.SETTINGS_INVALID

    def __init__(self, path: str, commit: str, why: str) -> None:
        super().__init__(
            f"The build context {path} of commit {commit} {why}. Fix it in .prevs.toml and push, "
            "then open the new commit's address."
        )
        self.path = path


class BuildFailed(ExecutorError):
    """The image could not be built. `exit_code` is that of the failed step, if there is one."""

    cause = Cause.BUILD_FAILED

    def __init__(self, message: str, exit_code: int | None = None) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class BuildExposed(ExecutorError):
    """This agent does not build, as steps would not be isolated; `why` is what is missing."""

    cause = Cause.AGENT_UNFIT

    def __init__(self, why: str) -> None:
        super().__init__(
            f"This agent builds nothing, because it cannot isolate builds from itself: {why}. Its "
            "operator must check it (PREVS_ISOLATION_BUILDS)."
        )
        self.why = why


class PreviewExposed(ExecutorError):
    """This agent starts nothing, as previews would not be isolated; `why` is what is missing."""

    cause = Cause.AGENT_UNFIT

    def __init__(self, why: str) -> None:
        super().__init__(
            f"This agent starts no previews, because it cannot isolate them from others: {why}. "
            "Its operator must check it (PREVS_ISOLATION)."
        )
        self.why = why


class StartFailed(ExecutorError):
    """docker refused to create or start the container; `why` is docker's own sentence."""

    cause = Cause.START_FAILED

    def __init__(self, why: str) -> None:
        super().__init__(f"The container could not be started: {close(why)}")
        self.why = why


class ImageMissing(StartFailed):
    """The image was removed after the check that it exists."""


class HookFailed(ExecutorError):
    """A hook failed. `hook` is its command; `exit_code` is None if it did not end."""

    cause = Cause.HOOK_FAILED

    def __init__(self, hook: str, how: str, exit_code: int | None = None) -> None:
        hint = EXIT_HINTS.get(exit_code, "") if exit_code is not None else ""
        super().__init__(
            f"The hook `{hook}` {how}{hint}, so the application did not start. The end of the log "
            "shows its last output."
        )
        self.hook = hook
        self.exit_code = exit_code


class AppExited(ExecutorError):
    """The application ended by itself, which is a failure even with exit code 0."""

    cause = Cause.APP_EXITED

    def __init__(self, exit_code: int | None, *, answered: bool) -> None:
        when = "after it had answered" if answered else "before it answered"
        how = "while Docker did not answer"
        if exit_code is not None:
            how = f"with code {exit_code}{EXIT_HINTS.get(exit_code, '')}"
        super().__init__(
            f"The application exited {how} {when}. The end of the log shows its last output."
        )
        self.exit_code = exit_code


class OutOfMemory(ExecutorError):
    """The kernel killed the application at its memory limit; `mem` is that limit in MB."""

    cause = Cause.OUT_OF_MEMORY

    def __init__(self, exit_code: int | None, mem: int) -> None:
        super().__init__(
            f"The application was killed because it used more than its {mem} MB of memory. "
            "Raise the app's memory, or make it use less, then retry."
        )
        self.exit_code = exit_code
        self.mem = mem


class DiskFull(ExecutorError):
    """The application wrote more to the agent's disk than a preview may; `limit` is in MB."""

    cause = Cause.DISK_FULL

    def __init__(self, limit: int) -> None:
        super().__init__(
            f"The application was stopped because it wrote more than {limit} MB to the disk. "
            "Where agents can count files and folders, each counts as at least 4 KB, and folders "
            "may be nested at most 200 deep. Make it write less, or clean up after itself, then "
            "retry. The agents' operators set the limit (PREVS_DISK_LIMIT)."
        )
        self.limit = limit


class NeverListened(ExecutorError):
    """Nothing accepted a connection within the limit."""

    cause = Cause.NEVER_LISTENED

    def __init__(self, port: int, limit: float) -> None:
        super().__init__(
            f"Nothing listened on port {port} of the container within {limit:g} s. The application "
            f"must listen on 0.0.0.0 (not only on localhost) and on the port in PORT ({port})."
        )
        self.port = port


_REFUSED_HOST = (
    " If it refuses hosts that it does not know, let it serve {} (Rails: config.hosts, Django: "
    "ALLOWED_HOSTS), or set `[health] host` in .prevs.toml to one that it knows."
)


class Unhealthy(ExecutorError):
    """It accepted connections, but no answer was as `wanted`; `status` is the last one, if any.

    `refused` is the Host that it may have refused.
    """

    cause = Cause.UNHEALTHY

    def __init__(
        self,
        path: str,
        limit: float,
        *,
        answer: str,
        status: int | None,
        wanted: str = "2xx or 3xx",
        refused: str = "",
    ) -> None:
        more = _REFUSED_HOST.format(refused) if refused else ""
        super().__init__(
            f"GET {path} did not succeed within {limit:g} s: {answer}. "
            f"Make it answer {wanted}, or give the app another health path.{more}"
        )
        self.path = path
        self.status = status


class NotServing(Unhealthy):
    """It did not pass the health check over gRPC."""

    def __init__(self, limit: float, answer: str) -> None:
        ExecutorError.__init__(
            self,
            f"The gRPC health check did not succeed within {limit:g} s: {answer}. Make "
            "grpc.health.v1.Health/Check answer SERVING for the service without a name, or "
            "choose another check in .prevs.toml ([health] kind).",
        )
        self.path = ""
        self.status = None


class DataInUse(ExecutorError):
    """`other`, a commit of the same `branch`, has its data still after `limit` seconds."""

    def __init__(self, branch: str, other: str, limit: float) -> None:
        super().__init__(
            f"The data of the branch {branch} are still in use by {other} after {limit:g} s. Stop "
            "its preview (`prevs stop APP COMMIT`), then retry."
        )


class AgentUnfit(ExecutorError):
    """Docker, the disk or the network of the agent failed; `why` is Docker's own message."""

    cause = Cause.AGENT_UNFIT

    def __init__(self, why: str) -> None:
        super().__init__(
            f"The agent failed, not the commit: {close(why)} Its operator must check it (on the "
            "agent: `executor.pyz doctor`)."
        )
        self.why = why


class RegistryUnreachable(ExecutorError):
    """A registry in the Dockerfile does not answer this agent; `why` is Docker's own message."""

    cause = Cause.REGISTRY_UNREACHABLE

    def __init__(self, why: str) -> None:
        super().__init__(
            "Docker could not fetch a base image or another source of the Dockerfile: "
            f"{close(why)} If its address is right, the agents' operator must make it reachable; "
            "then retry."
        )
        self.why = why


class DockerUnavailable(ExecutorError):
    """The docker daemon of this agent does not answer."""

    cause = Cause.DOCKER_UNAVAILABLE

    def __init__(self, why: str) -> None:
        super().__init__(
            f"Docker on this agent does not answer ({why}). Its operator must check it; retry "
            "when it answers again."
        )
        self.why = why


class DockerRestarted(DockerUnavailable):
    """The docker daemon of this agent was restarted, which ended the container."""

    def __init__(self) -> None:
        ExecutorError.__init__(
            self,
            "Docker restarted, and the container ended with it. Retry. (With live-restore in "
            "Docker's configuration, containers keep running.)",
        )
        self.why = "it was restarted"


class RegistryFailed(Exception):
    """An image could not be pulled or pushed; the attempt goes on."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class Stopped(Exception):
    """The attempt was stopped. It is raised at the next point that allows it."""
