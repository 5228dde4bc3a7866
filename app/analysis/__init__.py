"""Answers to tables, statistics and files: pure functions over one table of answers.

The table is a list of dicts, one an answer, with the names of `app.fields`; what is missing is None or absent.
"""
