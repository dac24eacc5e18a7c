"""How full a disk may be in tests."""

NEVER_FULL = {"PREVS_DISK_HIGH": "100", "PREVS_DISK_LOW": "99"}
"""The environment of executors that never remove what is unused. The disk of the machine that runs
tests may be full of other files; then each build would first remove what other tests have built."""
