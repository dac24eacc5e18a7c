"""Requests that wait for a preview: it is started once, and all of them get the outcome.

Runs on the event loop. The pages that people see meanwhile are in pages/ and room/.
"""
