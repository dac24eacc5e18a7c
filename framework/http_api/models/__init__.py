"""What goes in and out of the API, as /docs shows it, and records shown so.

Values only. The records themselves are in the package prevs.
"""
