"""The constraint language: one line of text -> a `Constraint`.

    constraint := sum ("<=" | ">=") sum                 one side must be a number
                | rate ("<=" | ">=") "baseline" [("+" | "-") NUMBER]
    sum        := product (("+" | "-") product)*
    product    := unary (("*" | "/") unary)*            "*" needs a number on one side
    unary      := ("-" | "+") unary | primary
    primary    := NUMBER | "(" sum ")" | rate
                | ("max" | "min") "(" sum ("," sum)* ")" | "abs" "(" sum ")"
                | "max_gap" "(" measure "," "[" feature "]" ")"
                | "change" "(" rate ")"
                | "max_change" "(" measure "," "[" feature "]" ")"
    rate       := measure ["|" "[" group "]"]
    measure    := RATE ["(" class ")"] | "AUC" | "PR_AUC"
                | ("recall_at_precision" | "precision_at_recall") "(" NUMBER ")"

`|` binds tighter than arithmetic. A bracket after `|` names a group, as [Group] or, where two
features have a group of that name, as [Feature=Group]; in max_gap it names a feature, and the value
is the largest difference of the rate over all ordered pairs of that feature's groups. [Young & Male]
are the examples that are in both, and [Age x Sex] is the feature that they are a group of: all
groups of the one crossed with all of the other (see `crossings`). A change is the
rate minus that of another model on the same examples: `FNR | [g] <= baseline + 0.02`
is `change(FNR | [g]) <= 0.02`, and max_change is the largest change of a feature's groups. A backslash
in a bracket takes the next character as it is. Rates: the keys of `RATES` and `ALIASES` in `rates`
(with precision, the false discovery rate and their counterparts among the negatives), and F1.
Where the label has more than two classes, TPR(A) is the rate of the class A against the rest (`classes`):
every rate names its class, a name or number as it stands or any text in brackets, TPR([two words]); ACC
and ERR without one are of all classes.
The other measures are of scores, over all thresholds (`curves`): a model can be trained on them, but
counts of decisions at one threshold do not tell them, so that a gate over counts refuses them.

A hand-written recursive descent: nothing is ever evaluated as Python.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from fairgate.constraints.errors import ConstraintError
from fairgate.constraints.expressions import Constraint
from fairgate.constraints.names import Vocabulary
from fairgate.constraints.parser import Parser

__all__ = ["ConstraintError", "parse", "parse_all"]


def parse(text: str, groups: Mapping[str, Sequence[str]], from_counts: bool = False) -> Constraint:
    """Reads one constraint.

    Args:
        text: the constraint, like "max_gap(FPR, [Young]) <= 0.05".
        groups: display name of a feature -> names of its groups, like
            {"Young": ["Young", "Not Young"]}; under `classes.CLASSES` the names of the label's classes,
            where it has more than two.
        from_counts: refuse what counts of decisions cannot tell, as a gate over them must.

    Returns:
        The constraint, with the number on the right whichever side it was written on.

    Raises:
        ConstraintError: if the text is no constraint; says where, and what was expected.
        ValueError: if `groups` is malformed.

    >>> constraint = parse("max_gap(FPR, [sex]) <= 0.05", {"sex": ["Female", "Male"]})
    >>> constraint.limit, constraint.sense
    (0.05, '<=')
    >>> print(constraint.expression)
    max(FPR | [sex=Female] - FPR | [sex=Male], FPR | [sex=Male] - FPR | [sex=Female])
    >>> from fairgate.constraints.classes import CLASSES
    >>> print(parse("TPR(A) - TPR([not A]) <= 0.1", {CLASSES: ["A", "B", "not A"]}).expression)
    TPR(A) - TPR([not A])
    """
    vocabulary = Vocabulary(groups)
    if not isinstance(text, str):
        shown = repr(text)
        raise ConstraintError(shown, 1, "this is not text", "a constraint like 'FPR <= 0.05'")
    return Parser(text, vocabulary, from_counts).constraint()


def parse_all(texts: Sequence[str] | str, groups: Mapping[str, Sequence[str]]) -> list[Constraint]:
    """Reads several constraints, in order.

    Args:
        texts: a list of constraints; or one text with a constraint per line, in which blank lines
            and lines that start with '#' are skipped.
        groups: as for `parse`.

    Raises:
        ConstraintError: as `parse`, with the 1-based number of the constraint (or of the line).

    >>> [str(found) for found in parse_all("FPR <= 0.1\\n# recall, too\\nTPR >= 0.9", {})]
    ['FPR <= 0.1', 'TPR >= 0.9']
    """
    numbered = list(enumerate(texts.splitlines() if isinstance(texts, str) else texts, start=1))
    if isinstance(texts, str):
        numbered = [(i, t) for i, t in numbered if t.strip() and not t.lstrip().startswith("#")]
    constraints = []
    for line, text in numbered:
        try:
            constraints.append(parse(text, groups))
        except ConstraintError as error:
            raise error.at_line(line) from None
    return constraints
