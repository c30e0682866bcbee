"""This package is where new job types come from: a template's copy, and its check on a screen."""
