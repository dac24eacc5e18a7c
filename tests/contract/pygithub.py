"""PyGithub, which many programs use, as a witness: it reads a double as it reads GitHub."""

from github import Auth, Github

from tests.fakes.forges.github import GitHubServer


def connect(server: GitHubServer, token: str) -> Github:
    """Return a client of a double. It makes no pauses between its requests."""
    return Github(
        base_url=f"{server.origin}/api/v3",
        auth=Auth.Token(token),
        per_page=100,
        seconds_between_requests=None,
        seconds_between_writes=None,
    )
