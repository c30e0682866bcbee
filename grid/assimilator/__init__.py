"""This package is where decided work units become a job's output, with its provenance."""
