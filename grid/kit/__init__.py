"""This package is where new job types come from a template, and are checked step by step."""
