"""The pages of the site that are made of the code; mkdocs calls them through hook.py."""
