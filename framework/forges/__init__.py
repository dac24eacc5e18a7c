"""The edge to forges: their APIs, over httpx. kinds/ has a class for each kind of forge.

Calls block on HTTP. The threads of the poller look for pull requests, those of the teller say
something in them; all else runs on its caller's thread. setup/ checks the way, and enters webhooks.
"""
