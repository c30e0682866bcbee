"""This file is where it is tested that the static checker refuses what is not plainly harmless."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from grammatical import NAMES, Sql, expressions
from hypothesis import assume, given
from hypothesis import strategies as st
from programs import JOB_TYPES, columns_of

from grid.codegen.checker import check
from grid.codegen.errors import ProgramRefused, SpecError
from grid.codegen.kit import KIT_FUNCTIONS
from grid.codegen.parse import parse
from grid.codegen.types import Kind
from grid.items import Column, Json, PhysicalType

HARMLESS = """(function (inputs, params, kit) {
  "use strict";
  const literals = params.literals;
  const k0 = kit.integer(literals[0]);
  let total = 0;
  const chunks = inputs.length;
  for (let j = 0; j < chunks; j++) {
    const chunk = inputs[j];
    const count = chunk.rows;
    const columns = chunk.columns;
    const column = columns[0];
    const values = column.values;
    const hits = kit.bytes(count);
    for (let i = 0; i < count; i++) {
      const a = values[i];
      hits[i >> 3] = (a > k0) & 1;
      total += a;
      BODY
    }
  }
  return {total: total};
})
"""


def harmless(body: str = "") -> str:
    return HARMLESS.replace("BODY", body)


def test_a_plain_program_passes() -> None:
    check(harmless())
    check(harmless("if (a) { total += 1; } else { total = kit.narrow(kit.widen(a)); }"))


def test_a_loop_may_end_early_and_count_to_a_number_of_turns() -> None:
    turns = "const turns = kit.times(literals[0]);"
    loop = "for (let e = 0; e < turns; e++) { total += 1; if (total > a) { break; } }"
    check(harmless(turns + loop))


HOSTILE_STATEMENTS = """
fetch(a);
eval(a);
kit.fetch(a);
kit.constructor(a);
kit.bytes.constructor(a);
kit.bytes.call(a);
kit.bytes?.(a);
kit?.bytes(a);
const f = kit.bytes;
const f = kit;
kit.push(kit, a);
kit.push(kit.bytes, a);
const f = params;
const f = params.constructor;
const f = inputs;
const f = inputs.constructor;
const f = chunk.constructor;
const f = values.constructor.constructor;
const f = values.__proto__;
const f = values.map;
values.map(a);
a();
(a)();
const f = values[a];
const f = values[columns];
const f = kit[0];
const f = params[0];
const f = values[0 + a];
const f = values[total];
const f = values[a ? 0 : 1];
const f = columns[0].values;
const f = (columns)[0];
values[i] = 1;
columns[0] = 1;
chunk.rows = 1;
hits.length = 1;
a = 1;
i = 0;
i += 1;
i++;
count = 1;
total = total = 1;
const f = total = 1;
let f;
const total = 1;
const kit = 1;
const inputs = 1;
const eval = 1;
const arguments = 1;
const undefined = 1;
const async = 1;
const F = 1;
const a_b = 1;
const f = 1, g = 2;
var f = 1;
const [f] = values;
const {rows} = chunk;
const f = undefined;
const f = globalThis;
const f = self;
const f = Math;
const f = this;
const f = new a;
const f = arguments;
const f = "text";
const f = `text`;
const f = /a/;
const f = a => a;
const f = function () { return 1; };
const f = class {};
const f = async () => 1;
function f() { return 1; }
class f {}
const f = typeof a;
const f = void a;
const f = a in values;
const f = a instanceof a;
const f = a ** 2;
const f = a, b;
const f = (a, a);
const f = a ?? 1;
const f = a || 1;
const f = a && 1;
const f = a == 1;
const f = a != 1;
const f = ~a;
const f = +a;
const f = [1];
const f = [...values];
kit.push(...values);
const f = {get x() { return 1; }};
const f = {__proto__: a};
const f = {["x"]: a};
const f = {"x": a};
const f = {a};
const f = {...a};
const f = {1: a};
const f = 0x10;
const f = 1.5;
const f = 1e3;
const f = 010;
const f = 1_0;
const f = .5;
delete values[0];
a;
1;
"use strict";
;
{}
{ total += 1; }
debugger;
throw a;
try { total += 1; } catch { total += 1; }
while (a) { total += 1; }
do { total += 1; } while (a);
for (;;) { total += 1; }
for (let e = 0; e < a; e++) { total += 1; }
for (let e = 0; e < total; e++) { total += 1; }
for (let e = 0; e < k0; e++) { total += 1; }
for (let e = 1; e < count; e++) { total += 1; }
for (let e = 0; e < count; e--) { total += 1; }
for (let e = 0; e < count; total++) { total += 1; }
for (let e = 0; i < count; e++) { total += 1; }
for (let e = 0; e < count; e++) total += 1;
for (let e = 0; e < count; e++) { e = 0; }
for (const e of values) { total += 1; }
for (const e in values) { total += 1; }
if (a) total += 1;
if (a) { total += 1; } else total += 1;
switch (a) { default: total += 1; }
label: total += 1;
break j;
if (a) { break }
continue;
return a;
return;
with (a) { total += 1; }
import("x");
import.meta;
export default 1;
yield a;
await a;
total += 1
total -= 1;
total *= 1;
total ||= 1;
total--;
// comment
/* comment */
<!-- comment
--> comment
const \\u0061b = 1;
const f = "\\x41";
const caf\u00e9 = 1;
const f\u200b = 1;
const f = 1;\u2028
const f = 1;\u00a0
const f = 1;\t
const f = 1;\r
#!x
const f = #x in a;
@f class g {}
}}); fetch(1); (function () {{
"""
HOSTILE = [line for line in HOSTILE_STATEMENTS.split("\n") if line]


@pytest.mark.parametrize("statement", HOSTILE)
def test_a_hostile_statement_is_refused(statement: str) -> None:
    with pytest.raises(ProgramRefused):
        check(harmless(statement))


@pytest.mark.parametrize(
    "program",
    [
        "",
        "1",
        "fetch(1)",
        harmless() + harmless(),
        harmless() + ";",
        harmless().rstrip() + "(1, 2, 3)",
        harmless().rstrip() + ".constructor",
        "!" + harmless(),
        harmless().replace("function (", "function f("),
        harmless().replace("function (", "async function ("),
        harmless().replace("function (", "function* ("),
        harmless().replace("(inputs, params, kit)", "(inputs, params, kit, more)"),
        harmless().replace("(inputs, params, kit)", "(inputs, params, kit = 1)"),
        harmless().replace("(inputs, params, kit)", "(...kit)"),
        harmless().replace("(inputs, params, kit)", "(kit, params, inputs)"),
        harmless().replace('"use strict";', ""),
        harmless().replace('"use strict";', '("use strict");'),
        harmless().replace('"use strict";', '"use strict" + 1;'),
        harmless().replace("  return {total: total};\n", "  return {total: total}\n"),
        harmless().replace("const chunks = inputs.length;", "const chunks = inputs.length"),
        harmless().replace("  return", "  return {};\n  return"),
        harmless().replace("  return", "  break;\n  return"),
        harmless().replace("  return", "  if (total) { break; }\n  return"),
        harmless("total += 1;" * 60_000),
        harmless("total += " + "(" * 6_000 + "1" + ")" * 6_000 + ";"),
        harmless("total += " + " - ".join(["1"] * 6_000) + ";"),
    ],
    ids=lambda program: str(len(program)),
)
def test_what_is_not_one_strict_function_is_refused(program: str) -> None:
    with pytest.raises(ProgramRefused):
        check(program)


COLUMNS = st.builds(
    columns_of,
    st.booleans(),
    st.sampled_from([PhysicalType.UTF8, PhysicalType.DICT8, PhysicalType.DICT16]),
    st.sampled_from(
        [PhysicalType.INT8, PhysicalType.INT32, PhysicalType.INT53, PhysicalType.INT64]
    ),
)


@given(
    columns=COLUMNS,
    sql=expressions(Kind.BOOLEAN, 3, libm=True),
    column=st.sampled_from(NAMES),
    name=st.sampled_from(tuple(JOB_TYPES)),
)
def test_every_generated_program_passes(
    columns: list[Column], sql: Sql, column: str, name: str
) -> None:
    try:
        parse(sql.grid, columns)
    except SpecError:
        assume(False)  # a constant part that fails
    specs: dict[str, Json] = {
        "filterBy": {"where": sql.grid},
        "SUM": {"where": sql.grid, "column": column if column in "abxy" else "a"},
        "MIN": {"where": sql.grid, "column": column},
        "groupBy": {
            "by": [column, {"expression": sql.grid, "as": "also"}],
            "aggregates": [
                {"function": "COUNT", "expression": sql.grid, "as": "many"},
                {"function": "STDDEV_POP" if column in "abxypq" else "MAX", "column": column},
            ],
        },
        "sql": {"query": f"SELECT {column} AS c, {sql.grid} AS e FROM data WHERE {sql.grid}"},
    }
    program = JOB_TYPES[name].program(specs[name], columns)
    check(program)
    assert program == JOB_TYPES[name].program(specs[name], columns)


def test_the_checker_knows_the_kit_as_it_is() -> None:
    runtime = Path(__file__).parents[3] / "web" / "client" / "runtime"
    files = re.findall(r"^  \.\.\.(\w+),$", (runtime / "kit.ts").read_text(), re.MULTILINE)
    listed = [
        name
        for file in files
        for name in re.findall(
            r"^export function (\w+)", (runtime / "kit" / f"{file}.ts").read_text(), re.MULTILINE
        )
    ]
    assert sorted(listed) == sorted(KIT_FUNCTIONS)
