"""Code that several programs share and that knows nothing about previews.

It has settings, log lines, the rules for git, and the handling of foreign text. The modules that
the executor runs too import no libraries, and work on Python 3.9.
"""
