"""What people type and see: the commands of `prevs local`, their output, the check of this machine.

Runs on the main thread. The commands act through cluster/; `prevs doctor` loads the check.
"""
