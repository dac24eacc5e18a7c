"""The systems that benches measure: clusters, raw docker, and the repositories and visits for both.

Everything here is real, is driven by the main thread, and ends with its `with` block. Figures and
tables belong to the benches.
"""
