"""This package is where state is kept: the only SQL, and one writer."""
