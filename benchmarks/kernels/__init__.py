"""This package is where generated programs are timed against hand-tuned loops and against DuckDB.

    python -m benchmarks.kernels [--rows 131072] [--chunks 8] [--repeats 15]

Everything is measured in one process of one run, in turn; only ratios say anything.
"""
