"""What every page shows in the same way: the theme, and the viewer of logs.

A page carries them in itself (its policy allows them by a nonce), so nothing is fetched for them
and there is no build step. theme.css: colours, type, buttons, chips of states, cards. log_view.css
and log_view.js, which needs terminal.js before it: a log, by `new LogView(element, {…})`.
"""

import importlib.resources


def read(name: str) -> str:
    """Return the text of a file of this folder, theme.css for example."""
    return (importlib.resources.files(__package__) / name).read_text(encoding="utf-8")
