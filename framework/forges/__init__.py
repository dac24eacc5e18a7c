"""The edge to forges: the APIs of GitHub, GitLab, Gitea (Forgejo) and Pagure, over httpx.

Calls block on HTTP. The threads of the poller look for pull requests; all else runs on its caller's
thread. Nothing is written to a forge but webhooks: setup/ checks the way, and enters those.
"""
