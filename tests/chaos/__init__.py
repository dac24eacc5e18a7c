"""Faults in random order, singly and two at once, while clients write down what they see.

history.py is what was seen, checker.py judges it and plan.py chooses the faults: all of it pure.
clients.py, faults.py and world.py act.
"""
