"""This package is where an expression in SQL becomes a typed tree, JavaScript and a reference.

What stands on top of it (plans, job types) uses these:

`parse.parse(text, columns, pointer)` reads a condition, `parse.expression(text, columns, pointer)`
an expression of any type, `condition.condition(spec, columns)` what a spec says in `where` or
`criterias`. All give a tree of `tree` (`tree.reads` names its columns) whose every node knows its
`kind`, or raise `errors.SpecError` with a JSON pointer and the place in the text.

`javascript.Rows(frame)` writes the lines of one row: `rows.keep(where, *columns)` names a flag that
is 1 where the condition is true and no column is NULL; `rows.true(expr)` and `rows.false(expr)` ask
a condition alone; `rows.number(expr)` and `rows.text(expr)` give the value, its `text` being a name
or literal of the program, `valid` the names that are all 1 where it is not NULL. Then `rows.lines`
holds the statements that made them. `frame.Frame(columns)` owns names, literals and columns;
`program.assemble` puts the parts together, and `checker` passes or refuses the program.

`reference.evaluate(expr, chunk, rows)` computes the same in Python, one value a row;
`reference.selected` answers a condition.
"""
