"""This package is where the error of each way of verifying is measured, over millions of units.

It is the one simulation without the store: a table of error rates takes more work units than any
database writes in a night. What it asks of a crowd, it decides by the project's own functions for
weighing answers, for the next step, for who colluded and for whom a habit of lying gives away; it
only keeps their facts in plain objects instead of rows. `grid.simulation` plays the same rules with
the real store.
"""
