"""The part of CEL that Warren's admission policies are written in, so that tests can ask them without a cluster.

Follows the language definition (github.com/google/cel-spec, langdef.md): `&&` and `||` are decided by one side alone
even if the other one fails, a missing key is an error, and an error refuses (`failurePolicy: Fail`). Kubernetes' own
evaluator gave the same answers to every case of test_admission.py, and does in tests/cluster.
"""

from __future__ import annotations

import json
import operator
import re
from collections.abc import Callable
from functools import partial
from typing import Any

Scope = dict[str, Any]
Term = Callable[[Scope], Any]

_TOKEN = re.compile(r"""\s*("(?:[^"\\]|\\.)*"|'[^'\\]*'|[A-Za-z_]\w*|\d+|&&|\|\||[!=<>]=|[-+*!<>?:.,()\[\]{}])""")


class CelError(Exception):
    """An expression that could not be evaluated."""


def evaluate(text: str, scope: Scope) -> Any:
    """The value of an expression. Raises CelError where CEL would give an error."""
    return _Parser(text).whole()(scope)


class _Parser:
    def __init__(self, text: str) -> None:
        self.tokens: list[str] = []
        at = 0
        while text[at:].strip():
            match = _TOKEN.match(text, at)
            assert match, f"not in this subset of CEL: {text[at:]!r}"
            self.tokens.append(match[1])
            at = match.end()

    def whole(self) -> Term:
        term = self.ternary()
        assert not self.tokens, f"left over: {self.tokens}"
        return term

    def take(self, *wanted: str) -> str | None:
        return self.tokens.pop(0) if self.tokens and self.tokens[0] in wanted else None

    def expect(self, wanted: str) -> None:
        assert self.take(wanted), f"expected {wanted} before {self.tokens[:5]}"

    def ternary(self) -> Term:
        test = self.logical(("||",), True, lambda: self.logical(("&&",), False, self.relation))
        if not self.take("?"):
            return test
        yes = self.ternary()
        self.expect(":")
        no = self.ternary()
        return lambda scope: yes(scope) if _boolean(test(scope)) else no(scope)

    def logical(self, operator: tuple[str], decides: bool, operand: Callable[[], Term]) -> Term:
        terms = [operand()]
        while self.take(*operator):
            terms.append(operand())
        return terms[0] if len(terms) == 1 else lambda scope: _decide([partial(term, scope) for term in terms], decides)

    def relation(self) -> Term:
        left = self.sum()
        sign = self.take("==", "!=", ">", "<", ">=", "<=", "in")
        if sign is None:
            return left
        right = self.sum()
        compare: Callable[[Any, Any], bool] = {
            "==": lambda a, b: a == b,
            "!=": lambda a, b: a != b,
            ">": lambda a, b: a > b,
            "<": lambda a, b: a < b,
            ">=": lambda a, b: a >= b,
            "<=": lambda a, b: a <= b,
            "in": lambda a, b: a in b,
        }[sign]
        return lambda scope: compare(left(scope), right(scope))

    def sum(self) -> Term:
        term = self.product()
        while self.take("+"):
            term = _both(operator.add, term, self.product())
        return term

    def product(self) -> Term:
        term = self.unary()
        while self.take("*"):
            term = _both(operator.mul, term, self.unary())
        return term

    def unary(self) -> Term:
        if self.take("!"):
            term = self.unary()
            return lambda scope: not _boolean(term(scope))
        return self.member(self.primary())

    def member(self, term: Term) -> Term:
        while step := self.take(".", "["):
            if step == "[":
                key = self.ternary()
                self.expect("]")
                term = _select(term, key)
                continue
            name = self.tokens.pop(0)
            term = self.call(term, name) if self.take("(") else _select(term, _constant(name))
        return term

    def call(self, term: Term, name: str) -> Term:
        if name in ("all", "map"):
            variable = self.tokens.pop(0)
            self.expect(",")
            inner = self.ternary()
            self.expect(")")

            def each(scope: Scope) -> list[Callable[[], Any]]:
                return [partial(inner, {**scope, variable: item}) for item in term(scope)]

            if name == "map":
                return lambda scope: [one() for one in each(scope)]
            return lambda scope: _decide(each(scope), False)
        arguments = [] if self.take(")") else [self.ternary()]
        if arguments:
            self.expect(")")
        methods: dict[str, Callable[..., Any]] = {
            "size": len,
            "contains": lambda text, part: part in text,
            "startsWith": str.startswith,
            "matches": lambda text, pattern: re.search(pattern, text) is not None,
            "split": str.split,
            "sum": sum,
        }

        def called(scope: Scope) -> Any:
            of, values = term(scope), [argument(scope) for argument in arguments]
            # What is not CEL's own is the authorizer's, which a test stands in for.
            return methods[name](of, *values) if name in methods else getattr(of, name)(*values)

        return called

    def primary(self) -> Term:
        token = self.tokens.pop(0)
        if token in ("(", "has", "bytes", "string"):
            if token != "(":
                self.expect("(")
            term = self.ternary()
            self.expect(")")
            made: dict[str, Term] = {
                "has": lambda scope: _has(term, scope),
                "bytes": lambda scope: str(term(scope)).encode(),
            }
            return made.get(token, term)
        if token in "[{":
            items = []
            while not self.take("]", "}"):
                items.append(self.ternary())
                self.take(",")
            return _constant({}) if token == "{" else lambda scope: [item(scope) for item in items]
        if token[0] == '"':
            return _constant(json.loads(token))
        if token[0] == "'":
            return _constant(token[1:-1])
        if token == "null":
            return _constant(None)
        if token in ("true", "false"):
            return _constant(token == "true")
        if token.isdigit():
            return _constant(int(token))
        return lambda scope: _lookup(scope, token)


def _constant(value: Any) -> Term:
    return lambda scope: value


def _both(join: Callable[[Any, Any], Any], left: Term, right: Term) -> Term:
    return lambda scope: join(left(scope), right(scope))


def _boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise CelError(f"{value!r} is no boolean")
    return value


def _decide(terms: list[Callable[[], Any]], decides: bool) -> bool:
    failed: CelError | None = None
    for term in terms:
        try:
            if _boolean(term()) is decides:
                return decides
        except CelError as error:
            failed = error
    if failed:
        raise failed
    return not decides


def _lookup(value: Any, key: Any) -> Any:
    try:
        return value[key]
    except (KeyError, IndexError, TypeError):
        raise CelError(f"no such key: {key}") from None


def _select(term: Term, key: Term) -> Term:
    return lambda scope: _lookup(term(scope), key(scope))


def _has(term: Term, scope: Scope) -> bool:
    # has(a.b.c) is an error when a.b is missing, and false when only c is. No policy relies on the difference.
    try:
        term(scope)
    except CelError:
        return False
    return True
