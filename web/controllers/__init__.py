"""This package is where requests are answered, one file a kind of thing."""
