"""A real Pagure, from Debian's package, on free ports and in a folder of its own."""
