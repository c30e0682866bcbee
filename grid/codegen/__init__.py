"""This package is where an expression in SQL becomes a typed tree, JavaScript and a reference.

The language is the table in `grammar`: each operator and function, what it takes, gives and can
fail at. A new one is a row there, its JavaScript in `emission` and its Python in `reference`.

What stands on top of it (plans, job types) uses these:

**Reading.** `parse.parse(text, columns, pointer)` reads a condition, `parse.expression(…)` an
expression of any type, `condition.condition(spec, columns)` what a spec says in `where` or
`criterias`; `parse.read(root, columns, pointer, known)` reads a part of a tree that `words.tree`
made, where `known` may answer for nodes that are not the language's own (aggregates). All give a
tree of `tree.ColumnRef`, `Literal` and `Call`, whose nodes know their `type` (`types.Type`) and
`kind`, or raise `errors.SpecError` with a JSON pointer and the place in the text. `tree.reads`
names the columns of trees, `failing.sites` the places at which a row can fail.

**Programs.** `frame.Frame(columns, *expressions)` owns a program's names, literals and columns;
every expression of the program is given to it. `javascript.Rows(frame)` writes the lines of one
row: `rows.cell(expr)` is its value (`cells.Cell`: the name, the form, `valid` names that are all
1 where it is not NULL, bounds), `rows.true(expr)` and `rows.false(expr)` are flags,
`rows.keep(where, *columns)` is a flag that is 1 where the condition is true and no column is
NULL; `failures.counting(rows, (expr, guard), …)` gives the lines that count rows that fail. After
these, `rows.lines` holds the statements that made them. `program.assemble` puts the parts
together, and `checker` passes or refuses the program.

**The reference.** `reference.evaluated(expr, chunk, rows)` gives each row's value and the rows
that fail; `reference.selected` does so for a condition, and `reference.evaluate` raises for the
first failure. `failures.counted` makes of them what programs count, `failures.forgiven` fails the
job or goes on, as the spec's `on_error` says.
"""
