"""This package is where a condition in SQL becomes a typed tree, JavaScript and a reference.

`parse` and `condition` make the tree, `program` and `javascript` write the program from it,
`checker` passes or refuses the program, `reference` computes the same in Python.
"""
