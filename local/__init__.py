"""The whole system on one machine, every part real: what `prevs local` does."""
