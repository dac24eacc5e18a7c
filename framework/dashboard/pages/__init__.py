"""The dashboard's pages and forms, and what they are made of.

Runs on the event loop. session/ decides who may see a page.
"""
