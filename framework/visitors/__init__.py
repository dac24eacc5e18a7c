"""How visitors of an app for its team prove who they are: by an identity provider, or by a proxy.

Not here: what somebody may do (people/), and the password of an app (apps/). Thread safe.
"""
