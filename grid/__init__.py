"""Grid: a verified computing grid of web browsers.

This is the page: the modules of `grid/` in the order a work unit meets them. A file imports only
files above it; those marked · do I/O, everything else is pure (`docs/decisions.md` says why).

    states.py        every state, documented, and the legal moves as data
    items.py         the frozen facts a rule may read
    transition.py    what a rule may ask for
    canonical.py     one spelling for bytes: RFC 8785 JSON, SHA-256 digests
    identifiers.py   public ids: a keyed permutation of the internal integers
    settings.py      what an operator may choose, with a reason for each default
    comparators/     when two outputs are the same answer
    secrets.py       what a spec keeps secret: taken out of it, and put back
    values.py        dates, timestamps and decimals: read from text, spelled as text
    chunks.py        Arrow bytes in, Arrow bytes out: cut, narrow, select rows
    codegen/         typed expressions (parsed by sqlglot) → JavaScript and a Python reference
    plugins/         the JobType contract, hooks, manifests, · loader, registry, selectors (pluggy)
    plan/            one query as a plan: partial aggregates, their merge, and final rows
    jobspec.py       a spec checked against its JSON Schema and the data set's columns
    splitter.py      a job → the ranges of its work units, lazily
    transitioner.py  a work unit gets the results it needs, times them out, or gives up
    trust.py         who counts as one
    speeds.py        how fast hosts are, and how long a job type's rows take
    leases.py        signed permission to compute one result until a deadline
    statements.py    what a host signs when it reports, so that nobody can speak for it
    dispatch/        which result goes to which host, with a reason when none does
    report.py        a result comes back: accepted, late, not yours
    validator/       quorum over what came back
    assimilator/     merge, output, provenance
    readers.py       what a reader signs who has computed part of an output again
    auditlog/        what the public log says of each decision: entries, leaves, tree, notes
    replay.py        today's rules over a recorded log: same verdicts, or the first difference
    engines/       · JavaScript engines in child processes, behind one interface
    audit/         · the auditor's client: HTTP or a bundle only, never the database
    conformance/   · what every job type must keep to; shipped for plugin authors
    kit/           · new job types from a template, and their check, step by step
    blobs.py       · content-addressed bytes in a local folder (obstore)
    publishing/    · the log becomes public: its files, and the process that signs it
    db/            · tables, session, store (the only SQL), group-commit writer, migrations
    sources/       · where data sets come from: an uploaded CSV file
    daemons/       · each one a `do_pass(store, now) -> int`; runner.py knows APScheduler
    upkeep/        · backups of a server, and what is wrong with it
    volunteer/     · headless volunteers: machines that take part without a browser
    client/        · a requester's programs: HTTP only, no part of the server
    simulation/    · the grid in virtual time, with faults and saboteurs, from one seed
    cli.py         · the commands that need no web server
"""

__version__ = "0.1.0"
