"""This package is where the published log becomes tables that anybody may ask in SQL."""
