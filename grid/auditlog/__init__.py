"""This package is where it stands what the public log says of each decision."""
