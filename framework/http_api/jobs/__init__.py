"""The calls about jobs: what they take and show, and how an order becomes jobs.

Runs on the event loop; what blocks runs in threads.
"""
