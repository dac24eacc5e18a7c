"""One cluster: the list of its parts, and the supervisor that starts, watches and stops them.

The supervisor is a process of its own, in which one thread owns all parts; `launch` starts it and
`shutdown` stops it from outside. What people type and see is in console/.
"""
