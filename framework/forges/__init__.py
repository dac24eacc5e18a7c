"""The edge to forges: the APIs of GitHub, GitLab, Gitea (Forgejo) and Pagure, over httpx.

Calls block on HTTP. The threads of the poller look for pull requests, those of the teller say
something in them; all else runs on its caller's thread. setup/ checks the way, and enters webhooks.
"""
