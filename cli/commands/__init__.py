"""The commands, one module for each group, and the sections of `prevs --help`.

Runs on the main thread. `prevs doctor` is in doctor/; the commands of `prevs local` are in the
package local.
"""
