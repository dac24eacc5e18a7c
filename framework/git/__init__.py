"""The edge to git: mirrors of the apps' repositories, their branches, tags, commits and files.

Calls block on git. The pollers and readers here have threads of their own.
"""
