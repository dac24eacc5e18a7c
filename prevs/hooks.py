"""How a proxy passes a forge's webhook on to the framework's API: the body raw, some headers."""

PATH = "/_prevs/hooks/"
"""Where forges reach a proxy; the app's name follows."""
LONGEST = 1024 * 1024
"""Bytes of a body: a signature covers all of it."""
AUTHORIZATION = "prevs-hook-authorization"
"""The forge's own Authorization: the call to the API has the proxy's."""
HEADERS = (
    "x-forgejo-signature",
    "x-forgejo-delivery",
    "x-gitea-signature",
    "x-gitea-delivery",
    "x-gogs-signature",
    "x-gogs-delivery",
    "x-pagure-signature-256",
    "webhook-id",
    "webhook-timestamp",
    "webhook-signature",
    "x-gitlab-token",
    "x-gitlab-event-uuid",
    "x-hub-signature-256",
    "x-github-delivery",
    "x-hub-signature",
    "x-request-uuid",
)
"""The headers that a delivery is verified and counted by; a proxy passes no others on."""
