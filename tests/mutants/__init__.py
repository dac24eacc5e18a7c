"""Which changes of the code no test notices: docs/decisions/0132-mutants.md."""
