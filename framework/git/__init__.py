"""The edge to git: mirrors of the apps' repositories, what labels lead to, and files of commits.

Calls block on git. The pollers and readers here have threads of their own.
"""
