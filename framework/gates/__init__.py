"""Gates: their rules as people write them, what is wrong with them, and the record that they make.

Pure. What rules mean for a request is in prevs/gate_rules.py.
"""
