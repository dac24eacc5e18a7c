"""One module for each kind of repository, with the function `find` and what it looks for. Pure."""
