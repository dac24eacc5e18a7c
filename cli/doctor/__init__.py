"""`prevs doctor`: checks of every part, side by side, each with the next step.

Checks collect values, each on a thread of its own, and pure functions judge them. The checks of a
local cluster are in the package local; those of an agent's machine are in the executor.
"""
