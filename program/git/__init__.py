"""What all programs that run git have in common.

Addresses of repositories, credentials, settings that are safe for foreign repositories, redirects,
and git's messages. Pure, without libraries, on Python 3.9. Running git is each program's own part.
"""
