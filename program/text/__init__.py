"""Foreign text made safe to show, on terminals and on pages.

Pure. Markup is not here: each program escapes its own.
"""
