"""This file is where a query is a tree of its stages: the plan that all else is made from."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from grid.codegen.build import Place
from grid.codegen.cells import Form
from grid.codegen.columnar import column as stored
from grid.codegen.failing import Site, sites
from grid.codegen.frame import Frame
from grid.codegen.javascript import Rows
from grid.codegen.tree import ColumnRef, Expr, reads, walk
from grid.codegen.types import INTEGER, Kind, Type
from grid.items import Column
from grid.plan.aggregates import Aggregate, State

#: Whole numbers within this are added up in 64 bits.
NARROW_MAX = 2**31
#: Groups of a job unless its spec says otherwise, and at most: states of all travel in JSON.
GROUPS_DEFAULT, GROUPS_MAX = 4_096, 16_384
#: Bytes of JSON that a work unit's groups may take: merging them must not keep the server long.
WEIGHT_MAX = 4_000_000
#: What a program may allocate for the states of all its groups.
STATES_BYTES_MAX = 64 << 20


class Partial(Struct, frozen=True):
    """What hosts compute for each group."""

    state: State
    #: None for ROWS.
    expr: Expr | None = None


class Measure(Struct, frozen=True, kw_only=True):
    """An aggregate of an expression, or of the rows themselves."""

    aggregate: Aggregate
    #: The type of its operand, and of itself.
    operand: Type
    type: Type
    #: Its states' places among the plan's partials.
    partials: tuple[int, ...]


class Order(Struct, frozen=True, kw_only=True):
    """What final rows are sorted by."""

    #: Over the merged columns.
    expr: Expr
    descending: bool = False
    nulls_first: bool = False


class Output(Struct, frozen=True, kw_only=True):
    """A column of the final rows: an expression over the merged columns."""

    name: str
    expr: Expr


class Final(Struct, frozen=True, kw_only=True):
    """What becomes of the merged rows: HAVING, then SELECT, ORDER BY, OFFSET and LIMIT."""

    outputs: tuple[Output, ...]
    having: Expr | None = None
    order: tuple[Order, ...] = ()
    offset: int = 0
    limit: int | None = None


class Query(Struct, frozen=True, kw_only=True):
    """The stages, in order."""

    #: Scan: the data set's columns.
    columns: tuple[Column, ...]
    #: Filter.
    where: Expr | None
    #: Project: what rows are grouped by; none of them for one group of all rows.
    keys: tuple[Expr, ...]
    #: Partial aggregate.
    partials: tuple[Partial, ...]
    groups_max: int
    #: Merge: each measure is a column behind those of the keys.
    measures: tuple[Measure, ...]
    final: Final

    @property
    def operands(self) -> tuple[Expr, ...]:
        """The expressions that are aggregated, each once."""
        return tuple(dict.fromkeys(one.expr for one in self.partials if one.expr is not None))

    @property
    def expressions(self) -> tuple[Expr | None, ...]:
        """All that is computed of a row, in the order in which its failures count."""
        return (self.where, *self.keys, *self.operands)

    @property
    def reads(self) -> tuple[str, ...]:
        """The columns it needs; the first one when it needs none, to know the rows."""
        return reads(self.columns, *self.expressions) or (self.columns[0].name,)

    @property
    def sites(self) -> tuple[Site, ...]:
        """Where a row can fail."""
        return sites(*self.expressions)


class Planner:
    """Collects the keys and aggregates of a query while its final expressions are read."""

    def __init__(self, columns: Sequence[Column], where: Expr | None) -> None:
        self.columns, self.where = tuple(columns), where
        self.keys: list[Expr] = []
        self._measures: dict[tuple[str, Expr | None], Measure] = {}
        self._partials: dict[Partial, int] = {}

    def key(self, expr: Expr, place: Place) -> ColumnRef:
        """The merged column of a key, new or not."""
        if expr.kind is Kind.NULL:
            raise place.refuse("NULL is nothing to group by")
        if expr not in self.keys:
            self.keys.append(expr)
        return ColumnRef(stored(f"k{self.keys.index(expr)}", expr.type))

    def measure(self, aggregate: Aggregate, expr: Expr | None, place: Place) -> ColumnRef:
        """The merged column of an aggregate, new or not; refuses an operand it does not take."""
        operand = INTEGER if expr is None else expr.type
        states = (State.ROWS,) if expr is None else aggregate.states
        if operand.kind not in aggregate.takes:
            raise place.refuse(f"{aggregate.name} does not take {operand}")
        found = self._measures.get((aggregate.name, expr))
        if found is None:
            found = Measure(
                aggregate=aggregate,
                operand=operand,
                type=aggregate.gives(operand, expr is not None and _narrow(expr)),
                partials=tuple(self._partial(Partial(one, expr)) for one in states),
            )
            self._measures[aggregate.name, expr] = found
        number = list(self._measures.values()).index(found)
        return ColumnRef(stored(f"m{number}", found.type))

    def query(self, final: Final, groups_max: int) -> Query:
        """The whole plan; its groups have a count of their rows where nothing else is asked."""
        if not self._partials:
            self._partial(Partial(State.ROWS))
        return Query(
            columns=self.columns,
            where=self.where,
            keys=tuple(self.keys),
            partials=tuple(self._partials),
            groups_max=groups_max,
            measures=tuple(self._measures.values()),
            final=final,
        )

    def _partial(self, partial: Partial) -> int:
        return self._partials.setdefault(partial, len(self._partials))


def _narrow(expr: Expr) -> bool:
    """Whether its values are proved to be whole numbers of 32 bits."""
    if expr.kind is not Kind.INTEGER:
        return False
    columns = {item.column.name: item.column for item in _columns(expr)}
    cell = Rows(Frame(list(columns.values()), expr)).cell(expr)
    return cell.form is Form.NUMBER and cell.low >= -NARROW_MAX and cell.high < NARROW_MAX


def _columns(expr: Expr) -> list[ColumnRef]:
    return [item for item in walk(expr) if isinstance(item, ColumnRef)]
