"""Who has signed in and may see what, and what each page is answered with.

Runs on the event loop. No page is here.
"""
