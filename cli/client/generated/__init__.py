"""The API's types and calls, made of its description by `make generate`; do not edit."""
