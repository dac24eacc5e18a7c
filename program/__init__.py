"""What framework and proxy share as long-running programs: settings and log lines.

It knows nothing of what they do. The executor shares the form of log lines, and stays free of
these libraries.
"""
