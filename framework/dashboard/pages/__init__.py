"""The dashboard's pages for everybody who has signed in, and what all pages are made of.

Runs on the event loop. session/ decides who may see a page; admin/ has the pages for admins.
"""
