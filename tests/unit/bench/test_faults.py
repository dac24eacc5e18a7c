from bench.faults import medians, read, table

OUTPUT = """\
....                                                                     [100%]
recovery leader killed: 6.36 s
recovery 50 asked for at once: 20 run: 16.05 s
longest route to a dead attempt (a test): 1.50 s
4 passed in 100.00s
"""


def test_each_fault_is_read_with_its_seconds() -> None:
    assert read(OUTPUT) == {"leader killed": 6.36, "50 asked for at once: 20 run": 16.05}


def test_the_median_counts_only_runs_that_have_a_number() -> None:
    runs = [{"a": 1.0, "b": 2.0}, {"a": 9.0}, {"a": 3.0}]
    assert medians(runs) == {"a": 3.0, "b": 2.0}
    assert table(runs) == ["    3.00 s  a  (1.0, 9.0, 3.0)", "    2.00 s  b  (2.0, -, -)"]
