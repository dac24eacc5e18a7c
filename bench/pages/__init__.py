"""Measures what the pages cost a visitor's browser, beside their budgets."""
