"""The pages of the waiting room as HTML, and their words.

Pure: values in, text out. room/ serves them.
"""
