"""The dashboard's pages and forms, and what they are made of.

Runs on the event loop. Who may see a page is session/'s.
"""
