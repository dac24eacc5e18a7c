"""The network of this agent's previews, and the rules that close it.

Calls block on docker and on iptables for some milliseconds, on the caller's thread. What the rules
are is in limits/.
"""
