"""Listening tests: a page for raters, and scores of what they answered."""
