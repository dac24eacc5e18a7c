"""The edge to forges: the APIs of GitHub, GitLab, Gitea (Forgejo) and Pagure, over httpx.

Calls block on HTTP. Nothing here has a thread, and nothing is written to a forge.
"""
