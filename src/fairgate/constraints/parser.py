"""Recursive descent over the tokens of one constraint; `language` has the grammar."""

from __future__ import annotations

from collections.abc import Callable

from fairgate.constraints import algebra
from fairgate.constraints.classes import GENERAL, seen_as
from fairgate.constraints.curves import CURVE_ALIASES, CURVES
from fairgate.constraints.errors import ConstraintError
from fairgate.constraints.expressions import (
    ChangeOf,
    Constraint,
    Expression,
    Number,
    RateOf,
    add,
    divide,
    scale,
)
from fairgate.constraints.names import Vocabulary, closest, find_rate
from fairgate.constraints.notation import number_text
from fairgate.constraints.rates import ALIASES, FIXED, RATES, Group
from fairgate.constraints.tokens import Token, tokenize, without_comment

_APPLY: dict[str, Callable[[list[Expression]], Expression]] = {
    "max": lambda arguments: algebra.maximum(*arguments),
    "min": lambda arguments: algebra.minimum(*arguments),
    "abs": lambda arguments: algebra.absolute(arguments[0]),
}
FUNCTIONS = (*_APPLY, "max_gap", "change", "max_change")
BASELINE = "baseline"
"""The other model, on the right: `FNR | [g] <= baseline + 0.02` is `change(FNR | [g]) <= 0.02`."""

# Deeper constraints are accidents; abs doubles its argument, so functions have their own limit.
MAX_NESTING = 50
MAX_FUNCTION_NESTING = 8


class Parser:
    """One constraint being read: its tokens and the place of the next one."""

    def __init__(self, text: str, vocabulary: Vocabulary, from_counts: bool = False) -> None:
        self._from_counts = from_counts
        self._text = text
        self._vocabulary = vocabulary
        self._tokens = tokenize(text)
        self._next = 0
        self._nesting = 0
        self._function_nesting = 0
        self._nodes = 0

    def constraint(self) -> Constraint:
        """The whole text as a constraint. ConstraintError if it is none, or one that is far too large."""
        found = self._constraint()
        self._require_small(self._tokens[0], algebra.size(found.expression))
        return found

    def _constraint(self) -> Constraint:
        left = self._sum()
        operator = self._symbol("<=", ">=")
        if operator is None:
            raise self._unexpected("an operator, or '<=' or '>=' and a limit")
        if self._peek().text == BASELINE and self._peek().kind == "name":
            return self._against_baseline(left, operator)
        right = self._sum()
        if self._peek().kind != "end":
            raise self._unexpected("the end of the constraint")
        text, upward = without_comment(self._text), operator.text == ">="
        if isinstance(left, Number) and isinstance(right, Number):
            raise self._error(operator, "there is no rate on either side", "a rate on one side")
        if isinstance(right, Number):
            return Constraint(text, left, right.value, ">=" if upward else "<=")
        if isinstance(left, Number):
            return Constraint(text, right, left.value, "<=" if upward else ">=")
        moved = f"a number on one side, as in '{left - right} {operator.text} 0'"
        raise self._error(operator, "there are rates on both sides", moved)

    def _against_baseline(self, left: Expression, operator: Token) -> Constraint:
        """What stands right of the operator, which is `baseline`, perhaps with a number."""
        start = self._peek()
        self._next += 1
        limit: Expression = Number(0.0)
        if sign := self._symbol("+", "-"):
            limit = scale(1.0 if sign.text == "+" else -1.0, self._sum())
        if self._peek().kind != "end" or not isinstance(limit, Number):
            raise self._unexpected(
                "a number after baseline, as in FNR | [group] <= baseline + 0.02"
            )
        if not isinstance(left, RateOf):
            way = "one rate on the left, or change(...) and max_change(...) anywhere"
            raise self._error(start, "only a single rate can be held against the baseline", way)
        change = self._change(start, left)
        written = self._text[: operator.column - 1].strip()
        text = f"change({written}) {operator.text} {number_text(limit.value)}"
        return Constraint(text, change, limit.value, ">=" if operator.text == ">=" else "<=")

    def _change(self, at: Token, rate: Expression) -> Expression:
        if isinstance(rate, RateOf) and rate.rate in FIXED:
            return ChangeOf(rate.rate, rate.group)
        problem = "this is no rate over the same examples for both models"
        raise self._error(at, problem, f"one of {', '.join(FIXED)}")

    def _sum(self) -> Expression:
        terms = [self._product()]
        while operator := self._symbol("+", "-"):
            sign = 1.0 if operator.text == "+" else -1.0
            term = self._product()
            terms.append(self._build(operator, lambda: scale(sign, term)))  # noqa: B023
            last = operator
        return terms[0] if len(terms) == 1 else self._build(last, lambda: add(*terms))

    def _product(self) -> Expression:
        product = self._unary()
        while operator := self._symbol("*", "/"):
            other = self._unary()
            product = self._build(operator, lambda: self._times(product, operator, other))  # noqa: B023
        return product

    def _times(self, left: Expression, operator: Token, right: Expression) -> Expression:
        if operator.text == "/":
            return divide(left, right)
        if isinstance(left, Number):
            return scale(left.value, right)
        if isinstance(right, Number):
            return scale(right.value, left)
        raise self._error(
            operator, "rates cannot be multiplied by rates", "a number on one side of '*'"
        )

    def _unary(self) -> Expression:
        negative = False
        while sign := self._symbol("+", "-"):
            negative ^= sign.text == "-"
        return -self._primary() if negative else self._primary()

    def _primary(self) -> Expression:
        token = self._peek()
        if token.kind == "number":
            self._next += 1
            return self._build(token, lambda: Number(float(token.text)))
        if token.kind == "name":
            return self._call() if token.text in FUNCTIONS else self._rate()
        if self._symbol("("):
            inner = self._nested(token, self._sum)
            self._require(")", f"')' to close the '(' in column {token.column}, or an operator")
            if self._peek().text == "|" and self._peek().kind == "symbol":
                raise self._unexpected("an operator: '| [group]' belongs to each rate by itself")
            return inner
        raise self._unexpected("a rate, a number, '(' or one of max, min, abs, max_gap")

    def _rate(self) -> Expression:
        name, of, target = self._measure()
        if not self._symbol("|"):
            return algebra.measure(name, seen_as(None, of) if of else None, target)
        bracket = self._peek()
        if bracket.kind != "bracket":
            raise self._unexpected(f"a group in brackets ({self._vocabulary.listing()})")
        self._next += 1
        group = self._group(bracket)
        return algebra.measure(name, seen_as(group, of) if of else group, target)

    def _measure(self) -> tuple[str, str, float | None]:
        """The name of a rate or curve, and its class or target in parentheses, if it has one."""
        token = self._peek()
        name = find_rate(token.text) if token.kind == "name" else None
        if name is None:
            curves = [] if self._from_counts else CURVES
            expected = f"a rate ({', '.join([*RATES, 'F1', *curves])})"
            if token.kind != "name":
                raise self._unexpected(expected)
            like = closest(
                token.text, [*CURVE_ALIASES, *ALIASES, *RATES, "F1", *CURVES, *FUNCTIONS]
            )
            raise self._error(token, f"unknown rate {token}", expected, like)
        if name in CURVES and self._from_counts:
            raise self._error(
                token,
                f"{token} can be trained on, not gated",
                "a rate at one threshold: the gate counts decisions, which do not tell "
                f"{token.text} ({', '.join([*RATES, 'F1'])})",
            )
        self._next += 1
        if self._vocabulary.classes:
            return name, self._class(token, name), None
        return name, "", self._target(token) if CURVES.get(name) else None

    def _class(self, rate: Token, name: str) -> str:
        """The class that a rate is of, in parentheses; empty for a rate of all of them."""
        classes = self._vocabulary.classes
        listed = ", ".join(classes)
        if name in CURVES:
            problem = f"{rate} is of one score, and a label of {len(classes)} classes has several"
            raise self._error(rate, problem, f"a rate of one class, as in TPR({classes[0]})")
        if not self._symbol("("):
            if name in GENERAL:
                return ""
            expected = f"a class in parentheses, as in {rate.text}({classes[0]}) ({listed})"
            raise self._error(rate, f"{rate} of which class?", expected)
        token = self._peek()
        known = {each.strip(): each for each in classes}
        if token.kind not in ("name", "number", "bracket") or token.text.strip() not in known:
            like = closest(token.text.strip(), classes) if token.kind != "symbol" else ()
            raise self._error(token, f"{token} is no class of the label", f"one of {listed}", like)
        self._next += 1
        self._require(")", f"')' after the class of {rate.text}")
        return known[token.text.strip()]

    def _target(self, name: Token) -> float:
        self._require("(", f"'(' and a target after {name.text}, as in {name.text}(0.9)")
        token = self._peek()
        if token.kind != "number" or not 0 < float(token.text) < 1:
            expected = f"a number between 0 and 1, as in {name.text}(0.9)"
            raise self._error(token, f"{token} is no target", expected)
        self._next += 1
        self._require(")", f"')' after the target of {name.text}")
        return float(token.text)

    def _group(self, bracket: Token) -> Group:
        found = self._vocabulary.candidates(bracket.text)
        if len(found) == 1:
            return found[0]
        if found:
            choices = " or ".join(f"[{group}]" for group in found)
            raise self._error(bracket, f"{bracket} names {len(found)} groups", choices)
        expected = f"a group ({self._vocabulary.listing()})"
        like = self._vocabulary.suggestions(bracket.text)
        raise self._error(bracket, f"unknown group {bracket}", expected, like)

    def _call(self) -> Expression:
        name = self._peek()
        self._next += 1
        opening = self._peek()
        self._require("(", f"'(' after {name.text}")
        if name.text == "max_gap":
            value = self._max_gap()
        elif name.text == "max_change":
            value = self._max_change()
        elif name.text == "change":
            value = self._change(self._peek(), self._rate())
        else:
            self._function_nesting += 1
            if self._function_nesting > MAX_FUNCTION_NESTING:
                raise self._error(
                    name,
                    "functions are nested too deep",
                    f"at most {MAX_FUNCTION_NESTING} levels of max, min and abs",
                )
            arguments = [self._nested(opening, self._sum)]
            while name.text != "abs" and self._symbol(","):
                arguments.append(self._nested(opening, self._sum))
            self._function_nesting -= 1
            value = self._build(name, lambda: _APPLY[name.text](arguments))
        more = " or ','" if name.text in ("max", "min") else ""
        self._require(")", f"')' to close {name.text}( in column {opening.column}{more}")
        return value

    def _max_gap(self) -> Expression:
        rate, of, target = self._measure()
        bracket, groups = self._feature("max_gap(FPR, [Feature])")
        groups = tuple(seen_as(group, of) for group in groups) if of else groups
        if len(groups) < 2:
            raise self._error(bracket, f"{bracket} has {len(groups)} group", "two groups or more")
        pairs = len(groups) * (len(groups) - 1)
        self._nodes += pairs * 2 * (algebra.size(algebra.measure(rate, groups[0], target)) + 1)
        self._require_small(bracket, self._nodes)
        return algebra.max_gap(rate, groups, target)

    def _max_change(self) -> Expression:
        at = self._peek()
        rate, of, _ = self._measure()
        if rate not in FIXED:
            self._change(at, Number(0.0))
        bracket, groups = self._feature("max_change(FNR, [Feature])")
        self._nodes += len(groups)
        self._require_small(bracket, self._nodes)
        groups = tuple(seen_as(group, of) for group in groups) if of else groups
        return algebra.max_change(rate, groups)

    def _require_small(self, at: Token, nodes: int) -> None:
        """Refuses what would take minutes to look through: pairs of groups grow with their square."""
        if nodes > algebra.MOST_NODES:
            raise self._error(
                at,
                f"it is too large: {nodes:,} rates and operations once gaps and abs are written out",
                f"at most {algebra.MOST_NODES:,}; name fewer groups in one constraint, or write several",
            )

    def _feature(self, example: str) -> tuple[Token, tuple[Group, ...]]:
        """A comma, and the groups of the feature in brackets after it."""
        self._require(",", f"',' and a feature in brackets, as in {example}")
        bracket = self._peek()
        features = ", ".join(f"[{feature}]" for feature in self._vocabulary.features)
        expected = f"a feature in brackets ({features or 'no features are known here'})"
        if bracket.kind != "bracket":
            raise self._unexpected(expected)
        groups = self._vocabulary.groups_of(bracket.text)
        if groups is None:
            owners = [f"[{group.feature}]" for group in self._vocabulary.candidates(bracket.text)]
            like = [f"[{f}]" for f in closest(bracket.text.strip(), self._vocabulary.features)]
            raise self._error(bracket, f"unknown feature {bracket}", expected, owners or like)
        self._next += 1
        return bracket, groups

    def _peek(self) -> Token:
        return self._tokens[self._next]

    def _symbol(self, *wanted: str) -> Token | None:
        token = self._peek()
        if token.kind != "symbol" or token.text not in wanted:
            return None
        self._next += 1
        return token

    def _require(self, symbol: str, expected: str) -> None:
        if self._symbol(symbol) is None:
            raise self._unexpected(expected)

    def _nested(self, opening: Token, rule: Callable[[], Expression]) -> Expression:
        self._nesting += 1
        if self._nesting > MAX_NESTING:
            raise self._error(opening, "nested too deep", f"at most {MAX_NESTING} levels of '('")
        inner = rule()
        self._nesting -= 1
        return inner

    def _build(self, at: Token, make: Callable[[], Expression]) -> Expression:
        try:
            return make()
        except ConstraintError:
            raise
        except ZeroDivisionError:
            raise self._error(at, "division by zero", "a divisor other than 0") from None
        except ValueError:
            raise self._error(at, "the number is out of range", "a finite number") from None

    def _unexpected(self, expected: str) -> ConstraintError:
        token = self._peek()
        problem = "it ends too early" if token.kind == "end" else f"unexpected {token}"
        return self._error(token, problem, expected)

    def _error(
        self, token: Token, problem: str, expected: str, suggestions: object = ()
    ) -> ConstraintError:
        likely = [str(s) for s in suggestions] if isinstance(suggestions, list | tuple) else []
        return ConstraintError(self._text, token.column, problem, expected, likely)
