"""Code that several programs share and that knows nothing about previews.

Each folder is one subject, and none of them imports another. The folders git/ and limits/, and
logs/log_lines.py, import no libraries and work on Python 3.9: the executor uses them too.
"""
