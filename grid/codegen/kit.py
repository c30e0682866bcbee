"""This file is where the helpers stand that a program may call, by name.

They are listed in `web/client/runtime/kit.ts`; every one is a function, called as `kit.name(…)`.
"""

from __future__ import annotations

KIT_FUNCTIONS = frozenset(
    {
        "integer",
        "big",
        "double",
        "text",
        "pattern",
        "widen",
        "narrow",
        "bytes",
        "floats",
        "words",
        "strings",
        "compare",
        "matches",
        "list",
        "push",
        "selection",
        "exact",
        "joined",
        "decimal",
        "bits",
        "base64",
        # counting.ts
        "times",
        "integers",
        "unit",
        "sqrt",
        # keys.ts
        "keys",
        "next",
        "key",
        # permutations.ts
        "permutation",
        "permute",
        # random.ts
        "alea",
    }
)
#: Those that make an array a program may write to.
ALLOCATIONS = frozenset({"bytes", "floats", "integers"})
#: Those that give a number a loop may count to: a finite one, fixed before the loop begins.
BOUNDS = frozenset({"times"})
