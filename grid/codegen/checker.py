"""This file is where a program passes or is refused before any host sees it.

What passes is one strict function of `inputs`, `params` and `kit` in a small corner of JavaScript:
constants, counted loops whose end is fixed before they begin, arithmetic, and calls of the kit. It
has no other way to name anything: every identifier is declared once, elements are read by numbers
only, and properties by the names below. So it always ends, and reaches nothing but its inputs.
"""

from __future__ import annotations

import re
from functools import lru_cache

import tree_sitter_javascript
from tree_sitter import Language, Node, Parser

from grid.codegen.allowed import (
    INTEGER_OPERATORS,
    KEY,
    NAME,
    NEVER_DECLARED,
    NODES,
    NUMBER,
    PARAMETERS,
    PROPERTIES,
    STATEMENTS,
    TOKENS,
)
from grid.codegen.errors import ProgramRefused
from grid.codegen.kit import ALLOCATIONS, BOUNDS, KIT_FUNCTIONS

#: A condition of the longest kind makes about this much; engines parse it in milliseconds.
PROGRAM_BYTES_MAX = 500_000
#: Nodes under one another, as deep as a chain of operators is long.
DEPTH_MAX = 5_000
#: Texts whose passing is remembered: a job's program is checked for its preview and again for it.
PASSED_MAX = 16


@lru_cache(maxsize=PASSED_MAX)
def check(program: str) -> None:
    """Raise ProgramRefused unless the text is a program that can do no harm and always ends."""
    if len(program) > PROGRAM_BYTES_MAX:
        raise ProgramRefused(f"the program has more than {PROGRAM_BYTES_MAX} bytes")
    for char in program:
        if not (char == "\n" or " " <= char <= "~"):
            raise ProgramRefused(f"the program holds the character {char!r}")
    for text in ("\\", "<!--", "-->", "//", "/*", "`", "'", "@", "#", "$"):
        if text in program:
            raise ProgramRefused(f"the program holds {text}")
    tree = Parser(Language(tree_sitter_javascript.language())).parse(program.encode())
    _Checker(tree.root_node).check()


def node_kinds(program: str) -> list[str]:
    """The kinds of the program's syntax nodes in order, without any of its text."""
    tree = Parser(Language(tree_sitter_javascript.language())).parse(program.encode())
    return [node.type for node, _ in _walk(tree.root_node)]


def _walk(root: Node) -> list[tuple[Node, int]]:
    """Every node with its depth, in the order of the text."""
    found: list[tuple[Node, int]] = []
    pending = [(root, 0)]
    while pending:
        node, depth = pending.pop()
        if depth > DEPTH_MAX:
            raise ProgramRefused("the program is nested too deeply")
        found.append((node, depth))
        pending.extend((child, depth + 1) for child in reversed(node.children))
    return found


def _text(node: Node | None) -> str:
    return "" if node is None or node.text is None else node.text.decode()


def _kind(node: Node | None) -> str:
    return "" if node is None else node.type


class _Checker:
    """One program; names are unique in it, so scopes need no bookkeeping."""

    def __init__(self, root: Node) -> None:
        self.root = root
        self.nodes = [node for node, _ in _walk(root)]
        self.constants: set[str] = set()
        self.variables: set[str] = set()
        #: Loop variables: they count up from a number, and nothing else writes them.
        self.counters: set[str] = set()
        #: Constants that are numbers for certain.
        self.integers: set[str] = set()
        #: Constants that are a length or a number of turns: what a loop may count to.
        self.bounds: set[str] = set()
        #: Constants made by the kit, which the program may write elements of.
        self.allocated: set[str] = set()

    def check(self) -> None:
        self._shape()
        for node in self.nodes:
            if node.is_error or node.is_missing or node.has_error:
                raise self._refused("this is no JavaScript", node)
            if node.is_named and node.type not in NODES:
                raise self._refused(f"{node.type} is not allowed", node)
            if not node.is_named and node.type not in TOKENS:
                raise self._refused(f"{node.type} is not allowed", node)
            if node.type == "variable_declarator":
                self._declare(node)
        for node in self.nodes:
            rule = getattr(self, f"_{node.type}", None)
            if rule is not None:
                rule(node)
            ended = node.parent == self.root or _text(node).endswith(";")
            if node.type in STATEMENTS and not ended:
                raise self._refused("a statement ends without ;", node)

    def _refused(self, why: str, node: Node) -> ProgramRefused:
        line, column = node.start_point
        return ProgramRefused(f"line {line + 1}, column {column + 1}: {why}: {_text(node)[:60]!r}")

    def _shape(self) -> None:
        """`(function (inputs, params, kit) { "use strict"; … })`, and nothing beside it."""
        kinds = []
        node = self.root
        while node.type != "function_expression" and node.named_child_count == 1:
            kinds.append(node.type)
            node = node.named_children[0]
        if kinds != ["program", "expression_statement", "parenthesized_expression"]:
            raise ProgramRefused("a program is one function in parentheses")
        if _text(self.root.named_children[0]).endswith(";"):
            raise ProgramRefused("a program is an expression, without ;")
        parts = [child.type for child in node.children]
        if parts != ["function", "formal_parameters", "statement_block"]:
            raise ProgramRefused("a program is a function without a name")
        self.function = node
        parameters, body = node.children[1], node.children[2]
        if tuple(_text(child) for child in parameters.named_children) != PARAMETERS:
            raise ProgramRefused(f"a program's parameters are {', '.join(PARAMETERS)}")
        if not body.named_children or _text(body.named_children[0]) != '"use strict";':
            raise ProgramRefused('a program begins with "use strict";')
        self.body = body

    def _declare(self, node: Node) -> None:
        name = _text(node.child_by_field_name("name"))
        value = node.child_by_field_name("value")
        known = self.constants | self.variables | self.counters | set(PARAMETERS)
        if not NAME.fullmatch(name) or name in NEVER_DECLARED or name in known:
            raise self._refused("a name is declared that may not be", node)
        if value is None:
            raise self._refused("a name is declared without a value", node)
        declaration = node.parent
        if _kind(declaration and declaration.parent) == "for_statement":
            self.counters.add(name)
        elif declaration is not None and declaration.children[0].type == "const":
            self.constants.add(name)
            if self._called(value) in ALLOCATIONS:
                self.allocated.add(name)
            if self._is_integer(value):
                self.integers.add(name)
            length = value.type == "member_expression"
            length = length and _text(value).endswith((".length", ".rows"))
            if length or self._called(value) in BOUNDS:
                self.bounds.add(name)
        else:
            self.variables.add(name)

    def _called(self, node: Node) -> str:
        """The kit's function that the node calls, if it does."""
        if node.type != "call_expression":
            return ""
        return _text(node.child_by_field_name("function")).removeprefix("kit.")

    def _lexical_declaration(self, node: Node) -> None:
        if node.named_child_count != 1:
            raise self._refused("one name is declared at a time", node)

    def _function_expression(self, node: Node) -> None:
        if node != self.function:
            raise self._refused("a program is one function", node)

    def _identifier(self, node: Node) -> None:
        name = _text(node)
        if name in PARAMETERS:
            self._parameter(name, node)
        elif name not in self.constants | self.variables | self.counters:
            raise self._refused("a name is not declared", node)

    def _parameter(self, name: str, node: Node) -> None:
        parent = node.parent
        use = _text(parent)
        at_home = _kind(parent) == "formal_parameters"
        if name == "kit" and not at_home:
            called = _kind(parent) == "member_expression" and _kind(parent and parent.parent)
            if called != "call_expression":
                raise self._refused("kit is only for calls", node)
        elif name == "params" and not at_home and use != "params.literals":
            raise self._refused("params has literals only", node)
        elif name == "inputs" and not (
            at_home or use == "inputs.length" or _kind(parent) == "subscript_expression"
        ):
            raise self._refused("inputs are read by number", node)

    def _member_expression(self, node: Node) -> None:
        if any(child.type == "optional_chain" for child in node.children):
            raise self._refused("?. is not allowed", node)
        thing, name = (
            node.child_by_field_name("object"),
            _text(node.child_by_field_name("property")),
        )
        if _kind(thing) != "identifier":
            raise self._refused("a property of a name only", node)
        allowed = KIT_FUNCTIONS if _text(thing) == "kit" else PROPERTIES
        if name not in allowed:
            raise self._refused("a property that is not allowed", node)

    def _call_expression(self, node: Node) -> None:
        function = node.child_by_field_name("function")
        arguments = node.child_by_field_name("arguments")
        if _kind(function) != "member_expression" or not _text(function).startswith("kit."):
            raise self._refused("only the kit is called", node)
        if _kind(arguments) != "arguments":
            raise self._refused("only the kit is called", node)

    def _subscript_expression(self, node: Node) -> None:
        thing, index = node.child_by_field_name("object"), node.child_by_field_name("index")
        if _kind(thing) != "identifier" or _text(thing) in ("kit", "params"):
            raise self._refused("elements of a name only", node)
        if index is None or not self._is_integer(index):
            raise self._refused("an index that need not be a number", node)

    def _is_integer(self, node: Node) -> bool:
        """Whether the expression is a number for certain."""
        if node.type == "parenthesized_expression":
            return node.named_child_count == 1 and self._is_integer(node.named_children[0])
        if node.type == "binary_expression":
            return _text(node.child_by_field_name("operator")) in INTEGER_OPERATORS
        known = self.counters | self.integers
        return node.type == "number" or (node.type == "identifier" and _text(node) in known)

    def _assignment_expression(self, node: Node) -> None:
        self._written(node)

    def _augmented_assignment_expression(self, node: Node) -> None:
        self._written(node)

    def _written(self, node: Node) -> None:
        """A variable, or an element of an array the program made, in a statement of its own."""
        if _kind(node.parent) != "expression_statement":
            raise self._refused("an assignment is a statement", node)
        left, array = node.child_by_field_name("left"), None
        if _kind(left) == "identifier" and _text(left) in self.variables:
            return
        if left is not None and left.type == "subscript_expression":
            array = left.child_by_field_name("object")
        if _text(array) in self.allocated:
            return
        raise self._refused("this may not be written", node)

    def _expression_statement(self, node: Node) -> None:
        kind = node.named_children[0].type
        allowed = (
            kind in ("assignment_expression", "augmented_assignment_expression", "call_expression")
            or (kind == "string" and node == self.body.named_children[0])
            or node.parent == self.root
        )
        if not allowed:
            raise self._refused("a statement that does nothing", node)

    def _string(self, node: Node) -> None:
        if node.parent is None or node.parent != self.body.named_children[0]:
            raise self._refused('"use strict" is the only text', node)

    def _number(self, node: Node) -> None:
        if not NUMBER.fullmatch(_text(node)):
            raise self._refused("a number is decimal digits", node)

    def _unary_expression(self, node: Node) -> None:
        if _text(node.child_by_field_name("operator")) not in ("-", "!"):
            raise self._refused("an operator that is not allowed", node)

    def _update_expression(self, node: Node) -> None:
        if _kind(node.parent) != "for_statement":
            raise self._refused("++ counts loops only", node)

    def _for_statement(self, node: Node) -> None:
        """`for (let i = 0; i < n; i++) {`, where i is written nowhere else and n is a length."""
        parts = [_text(node.child_by_field_name(part)) for part in ("initializer", "condition")]
        counted = re.fullmatch(r"let ([a-z][a-z0-9]*) = 0;", parts[0])
        bound = re.fullmatch(r"([a-z][a-z0-9]*) < ([a-z0-9]+)", parts[1].removesuffix(";"))
        step = _text(node.child_by_field_name("increment"))
        if (
            counted is None
            or bound is None
            or bound[1] != counted[1]
            or bound[2] not in self.bounds
            or step != f"{counted[1]}++"
            or _kind(node.child_by_field_name("body")) != "statement_block"
        ):
            raise self._refused("a loop counts from 0 to a length", node)

    def _break_statement(self, node: Node) -> None:
        above = node.parent
        while above is not None and above.type != "for_statement":
            above = above.parent
        if above is None:
            raise self._refused("break ends a loop", node)

    def _statement_block(self, node: Node) -> None:
        owners = ("function_expression", "for_statement", "if_statement", "else_clause")
        if _kind(node.parent) not in owners:
            raise self._refused("a block belongs to something", node)

    def _if_statement(self, node: Node) -> None:
        if _kind(node.child_by_field_name("consequence")) != "statement_block":
            raise self._refused("if is followed by a block", node)

    def _else_clause(self, node: Node) -> None:
        if [_kind(child) for child in node.named_children] != ["statement_block"]:
            raise self._refused("else is followed by a block", node)

    def _return_statement(self, node: Node) -> None:
        if node.parent != self.body or node.next_named_sibling is not None:
            raise self._refused("a program returns once, at its end", node)

    def _pair(self, node: Node) -> None:
        key = node.child_by_field_name("key")
        if _kind(key) != "property_identifier" or not KEY.fullmatch(_text(key)):
            raise self._refused("a key is a plain word", node)

    def _object(self, node: Node) -> None:
        if any(child.type != "pair" for child in node.named_children):
            raise self._refused("an object is keys and values", node)
