"""What GitHub's answers have beside the facts that our client reads: tests/published checks it."""

from tests.fakes.forges.server import DAY, Json, moment

_OF_USER = (
    "avatar events followers following gists html organizations received_events repos starred "
    "subscriptions"
)
_OF_REPOSITORY = (
    "archive assignees blobs branches collaborators comments commits compare contents contributors "
    "deployments downloads events forks git_commits git_refs git_tags hooks issue_comment "
    "issue_events issues keys labels languages merges milestones notifications pulls releases "
    "stargazers statuses subscribers subscription tags teams trees clone git ssh svn"
)
_OF_PULL = "comments commits diff patch review_comment review_comments statuses"
_LINKS = "comments commits statuses html issue review_comments review_comment self"
_COUNTS = (
    "forks forks_count open_issues open_issues_count size stargazers_count watchers watchers_count"
)
_OF_NETWORK = "network_count subscribers_count"
_HAS = "archived disabled has_discussions has_downloads has_issues has_pages has_projects has_wiki"
_CHANGES = "additions changed_files comments commits deletions review_comments"


def user(url: str) -> Json:
    """Return the other fields of a user; `url` is the user's in the API."""
    return {**_urls(_OF_USER, url), "node_id": "U_1", "gravatar_id": ""}


def repository(url: str) -> Json:
    """Return the other fields of a repository."""
    times = dict.fromkeys(("created_at", "updated_at", "pushed_at"), moment(DAY))
    nothing = dict.fromkeys(("description", "homepage", "language", "mirror_url", "license"))
    flags, counts = dict.fromkeys(_HAS.split(), False), dict.fromkeys(_COUNTS.split(), 0)
    more = {"node_id": "R_1", "default_branch": "main", **times, **nothing, **flags, **counts}
    return {**_urls(_OF_REPOSITORY, url), **more}


def whole_repository() -> Json:
    """Return the fields that a repository has only by itself."""
    return dict.fromkeys(_OF_NETWORK.split(), 0)


def pull(url: str) -> Json:
    """Return the other fields of a pull request in a list."""
    nothing = ("assignee", "milestone", "merge_commit_sha", "auto_merge", "closed_at", "merged_at")
    links = {name: {"href": f"{url}/{name}"} for name in _LINKS.split()}
    more = {"node_id": "PR_1", "_links": links, "labels": [], "locked": False}
    return {**_urls(_OF_PULL, url), **more, **dict.fromkeys(nothing)}


def whole_pull() -> Json:
    """Return the fields that a pull request has only by itself."""
    merge = {"merged": False, "mergeable": None, "mergeable_state": "unknown", "merged_by": None}
    return {**dict.fromkeys(_CHANGES.split(), 0), **merge, "maintainer_can_modify": False}


def _urls(names: str, url: str) -> Json:
    return {f"{name}_url": f"{url}/{name}" for name in names.split()}
