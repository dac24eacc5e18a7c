"""Where people enter a webhook at each kind of forge, in a sentence. Pure."""

from collections.abc import Mapping

_WHERE: Mapping[str, str] = {
    "github": "At GitHub: Settings, Webhooks, Add webhook. Payload URL: the address; content type: "
    "application/json; the secret; individual events: pushes, pull requests, issue comments.",
    "gitlab": "At GitLab: Settings, Webhooks, Add new webhook. URL: the address; secret token: the "
    "secret; push, tag push, merge request and comment events.",
    "gitea": "At Gitea or Forgejo: Settings, Webhooks, Add webhook. Target URL: the address; POST, "
    "application/json; the secret; custom events: create, delete, push, and of pull requests "
    "modification, comments, synchronized.",
    "pagure": "At Pagure: Settings, Project options, web-hooks: the address. Pagure makes the "
    "secret itself, the private web-hook key: give it to `prevs forge hook APP --file FILE`.",
}
MAKES_SECRETS = frozenset({"pagure"})
"""The kinds of forges that make the secret themselves, and take none."""
_ELSEWHERE = (
    "At Bitbucket: Repository settings, Webhooks, Add webhook: the address, the secret; repository "
    "push, pull request created, updated, merged, declined. At Azure DevOps: Project settings, "
    "Service hooks, Web Hooks, Code pushed: the address, any user name, the secret as password. "
    "At a plain git server: a post-receive hook that sends the secret as a bearer token "
    "(docs/webhooks.md)."
)


def explain(kind: str, app: str) -> str:
    """Return where the address and the secret of an app's webhook are entered."""
    return _WHERE.get(kind, _ELSEWHERE).replace("APP", app)
