"""Requests that wait for a preview: started once, told of it together, within a budget.

Runs on the event loop. The pages that people see meanwhile are in pages/ and room/.
"""
