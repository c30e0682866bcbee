"""This package is where the safety net and the housekeepers are: each a `do_pass(store, now)`."""
