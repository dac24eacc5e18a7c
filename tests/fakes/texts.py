"""The formats of texts that schemathesis needs to read the framework's description.

Loaded by its command line, as SCHEMATHESIS_HOOKS says.
"""

import schemathesis
from hypothesis import strategies as st

schemathesis.openapi.format(
    "git-repository",
    st.sampled_from(
        ["/srv/git/hello", "https://git.example.org/a.git", "git@host:x/y.git", "file:///srv/größe"]
    ),
)
schemathesis.openapi.format(
    "utc-hours", st.sampled_from(["mon-fri 08:00-18:00", "sat,sun 10:00-12:00", "00:00-24:00"])
)
schemathesis.openapi.format(
    "agent-constraint", st.sampled_from(["zone=a|b", "disk!=slow", "gpu", "rack/row = 7"])
)
schemathesis.openapi.format(
    "repository-folder", st.sampled_from(["", "web", "services/web", "größe und raum"])
)
schemathesis.openapi.format(
    "ssh-private-key",
    st.sampled_from([f"-----BEGIN {kind}PRIVATE KEY-----\n" for kind in ("", "RSA ", "EC ")]),
)
schemathesis.openapi.format(
    "cron-expression", st.sampled_from(["0 6 * * mon-fri", "*/20 1-5 * * *", "30 2 1,15 * *"])
)
schemathesis.openapi.format(
    "time-zone", st.sampled_from(["UTC", "Europe/Berlin", "America/Sao_Paulo", "Asia/Kolkata"])
)
schemathesis.openapi.format(
    "schedule-start", st.sampled_from(["1970-01-03T00:00", "1970-02-01T06:00:00+05:30"])
)
schemathesis.openapi.format(
    "schedule-end", st.sampled_from(["2060-01-01T00:00", "2069-12-31T23:59:59Z"])
)
# It has a pattern too, which schemathesis cannot use.
schemathesis.openapi.format("ref-pattern", st.sampled_from(["main", "release/*", "v*", "**"]))
