"""Reads something of each app in turn, and soon after a webhook: repositories, pull requests.

The schedule is pure. What a turn reads, on the threads of `turns`, is for the edges to say.
"""
