"""This package is where one query is planned: partial aggregates, their merge, and final rows.

`query.Query` is the plan, a small tree of stages: scan → filter → project → partial aggregate →
merge → final. From it come `program.program`, the JavaScript that hosts run, `reference.partial`,
the same in Python without any code in common, `merging`, an ordered fold of what they answer, and
`final.rows`. The aggregates are the table `aggregates.AGGREGATES`; a new one is a row there, and
how it ends in `ending`. `jobtype.PlannedJobType` is what a job type stands on: it says which query
its spec means, and has nothing else to do.
"""
