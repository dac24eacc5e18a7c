"""Who reaches what: a table of what is promised, and a probe that measures it from inside.

expected.py has the table as data; matrix.py compares, prints and documents it. measure.py puts
probe.sh into each kind of container of a running installation and collects what it finds. What the
installation is, a site says: one_machine.py makes one for `python -m tests.reach`, and
by_machines.py is that of the machines in tests/machines and tests/kernels.
"""
