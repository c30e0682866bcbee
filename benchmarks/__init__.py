"""This package is where claims about speed are measured; it prints ratios and asserts nothing."""
