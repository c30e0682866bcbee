"""This package is where job types come in: contract, hooks, manifests, host and loader."""
