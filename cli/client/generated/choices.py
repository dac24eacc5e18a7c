"""What may be chosen in queries and orders of the API. Made by `make generate`: do not edit.

Each name is that of the operation, and of its parameter or of the field of its order.
"""

ADD_APP_ROOM = ("auto", "full", "status")
ADD_APP_PULLS = ("auto", "off", "branches", "all")
ADD_APP_FORKS = ("never", "approve", "members")
ADD_APP_WARM = ("off", "pulls", "branches")
ADD_APP_TELL = ("comment", "status", "deployment")
CHANGE_APP_ROOM = ("auto", "full", "status")
CHANGE_APP_PULLS = ("auto", "off", "branches", "all")
CHANGE_APP_FORKS = ("never", "approve", "members")
CHANGE_APP_WARM = ("off", "pulls", "branches")
CHANGE_APP_TELL = ("comment", "status", "deployment")
CHECK_REPOSITORY_ROOM = ("auto", "full", "status")
CHECK_REPOSITORY_PULLS = ("auto", "off", "branches", "all")
CHECK_REPOSITORY_FORKS = ("never", "approve", "members")
CHECK_REPOSITORY_WARM = ("off", "pulls", "branches")
CHECK_REPOSITORY_TELL = ("comment", "status", "deployment")
SET_VARIABLES_GIVEN_FOR = ("build", "run", "both")
SET_VARIABLE_GIVEN_FOR = ("build", "run", "both")
CHANGE_ACCESS_ACCESS = ("public", "password", "team")
ISSUE_PASS_KIND = ("share", "machine")
LIST_PREVIEWS_STATE = (
    "queued",
    "placed",
    "building",
    "starting",
    "running",
    "draining",
    "stopped",
    "failed",
)
LIST_JOBS_STATE = (
    "queued",
    "placed",
    "building",
    "running",
    "ending",
    "succeeded",
    "failed",
    "cancelled",
    "active",
)
WRITE_SCHEDULE_OVERLAP = ("skip", "queue", "replace", "allow")
WRITE_SCHEDULE_MISSED = ("last", "none", "all")
WRITE_GATE_ON_DELETE = ("stay", "default")
WRITE_GATE_OVERRIDE = ("header", "query", "cookie")
LIST_REFS_KIND = ("branch", "tag")
ADD_RECEIVER_EVENTS = (
    "queued",
    "placed",
    "building",
    "starting",
    "running",
    "draining",
    "stopped",
    "failed",
    "forgotten",
    "pin",
    "app",
    "job",
    "schedule",
    "gate",
    "stack",
    "callback",
)
ADD_RECEIVER_FORMAT = ("prevs", "slack")
ADD_ROLE_SCOPE = ("read", "use", "admin")
ADD_TOKEN_SCOPE = ("read", "use", "admin")
