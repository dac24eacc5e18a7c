"""`make generate`: the command line's side of the HTTP API, from the API's own description.

What it writes is checked in; `make check` fails while that is not what the description says.
"""
