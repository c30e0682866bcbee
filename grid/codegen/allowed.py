"""This file is where it stands what a program may consist of; everything else is refused."""

from __future__ import annotations

import re


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


PARAMETERS = ("inputs", "params", "kit")
PROPERTIES = frozenset(
    {"rows", "columns", "values", "validity", "dictionary", "length", "literals", "first"}
)
NAME = re.compile(r"[a-z][a-z0-9]{0,30}")
KEY = re.compile(r"[a-z][a-z_]{0,30}")
NUMBER = re.compile(r"0n?|[1-9][0-9]{0,14}|[1-9][0-9]{0,18}n")
#: Names that mean something without being declared, or may not be declared in strict mode.
NEVER_DECLARED = _words(
    """abstract arguments async await boolean break byte case catch char class const continue
    debugger default delete do double else enum eval export extends false final finally float for
    function get goto if implements import in instanceof int interface let long native new null of
    package private protected public return set short static super switch synchronized this throw
    throws transient true try typeof undefined var void volatile while with yield"""
)
NODES = _words(
    """program expression_statement parenthesized_expression function_expression formal_parameters
    identifier property_identifier statement_block string string_fragment lexical_declaration
    variable_declarator number null for_statement if_statement else_clause return_statement
    binary_expression unary_expression update_expression ternary_expression assignment_expression
    augmented_assignment_expression member_expression subscript_expression call_expression arguments
    object pair break_statement"""
)
TOKENS = _words(
    """( ) { } [ ] , ; . ? : " = + - * / % & | ^ ! < > <= >= === !== << >> >>> ++ += const let for
    if else return function break"""
)
STATEMENTS = frozenset(
    {"lexical_declaration", "expression_statement", "return_statement", "break_statement"}
)
#: Operators whose answer is always a number, whatever they are given.
INTEGER_OPERATORS = frozenset({"&", "|", "^", ">>", ">>>", "<<"})
