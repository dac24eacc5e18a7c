"""The call behind apps' landing pages: what an app has, and what runs of it, for visitors.

Runs on the event loop; the repository is read in threads. How the page looks is up to proxies.
"""
