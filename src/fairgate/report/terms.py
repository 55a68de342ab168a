"""The words of the field that a report uses, explained where they are touched."""

from __future__ import annotations

import re

from markupsafe import Markup, escape

from fairgate.visible import visible

TERMS = {
    "false positive rate": "Of those whose true label is negative, the share to whom the model "
    "says Yes. FPR for short.",
    "false negative rate": "Of those whose true label is positive, the share to whom the model "
    "says No. FNR for short.",
    "true positive rate": "Of those whose true label is positive, the share to whom the model "
    "says Yes. TPR for short.",
    "accuracy": "The share of all examples that the model gets right.",
    "negatives": "Examples whose true label is negative: those to whom the right answer is No.",
    "positives": "Examples whose true label is positive: those to whom the right answer is Yes.",
    "gap": "The difference between the rates of two groups; of several groups, the largest one.",
    "constraint": "What is asked of the model, such as a limit on the gap between groups.",
    "limit": "The number that the true value of a constraint must not be beyond.",
    "value": "What was measured on these examples. On other examples of the same kind it would be"
    " a little different.",
    "bound": "The worst that the true value may be, after what these examples showed, at the "
    "stated confidence. The gate holds the bound against the limit, and not the value.",
    "upper bound": "With the stated confidence, the true value is at most this.",
    "confidence": "How often such a bound is on the right side of the truth, over all test sets "
    "that could be drawn: 95% means that at most 1 in 20 is wrong.",
    "interval": "A range that holds the true value with the stated confidence. It is wide where "
    "there are few examples.",
    "baseline": "The same network trained without constraints: the model that would have been "
    "shipped.",
    "constrained": "The model that was trained under the constraints, and that the gate judges.",
    "test split": "Examples that were kept aside: no training and no choice of a model has seen "
    "them.",
    "validation split": "Examples by which the model was chosen among several; not those that the"
    " gate asks.",
    "violation": "How far the training's constraint is from being kept. At most 0, it is kept.",
    "multiplier": "The weight that the training gives to a constraint. It grows while the "
    "constraint is violated.",
    "objective": "What the training makes small: a smooth stand-in for the share of errors.",
    "snapshot": "The model as it was at one step of the training.",
    "threshold": "The score above which the model says Yes.",
    "ROC": "The true positive rate against the false positive rate, at every threshold. The more "
    "area below the curve, the better the scores tell positives from negatives.",
    "calibration": "Whether scores mean what they say: of the examples with score 0.8, about 80% "
    "should be positive.",
    "frontier": "What accuracy is had at each limit, from loose to tight.",
    "attempt": "One look at the test split with one model. Several share the gate's promise "
    "between them.",
    "drift": "A change of the data from one time to another.",
}
"""Term -> what it means, for whoever does not work in the field."""

_BY_LENGTH = sorted(TERMS, key=len, reverse=True)
_ANY = re.compile(rf"\b({'|'.join(map(re.escape, _BY_LENGTH))})\b", re.IGNORECASE)
_CLOSING = re.compile(r"[.,;:)]+")
_KEYS = {term.lower(): term for term in TERMS}


def identifier(term: str) -> str:
    """Of the explanation in the page."""
    return "term-" + re.sub(r"\W+", "-", term.lower())


def marked(text: str) -> Markup:
    """`text` with each term's first appearance as a button that shows what it means."""
    shown, parts, end = visible(text), [], 0
    seen: set[str] = set()
    for found in _ANY.finditer(shown):
        term = _KEYS[found[0].lower()]
        if term in seen:
            continue
        seen.add(term)
        close = _CLOSING.match(shown, found.end())
        end_of_it = found.end() if close is None else close.end()
        button = _button(term, found[0], shown[found.end() : end_of_it])
        parts += [escape(shown[end : found.start()]), button]
        end = end_of_it
    return Markup("").join([*parts, escape(shown[end:])])


def _button(term: str, shown: str, closing: str) -> Markup:
    button = Markup('<button type="button" class="term" popovertarget="{}">{}</button>').format(
        identifier(term), shown
    )
    # A line may break behind a button, but not before a full stop.
    return Markup('<span class="whole">{}{}</span>').format(button, closing) if closing else button
