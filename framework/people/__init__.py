"""People who have signed in with an identity provider, and their roles. Pure.

The records of the roles are in state/.
"""
