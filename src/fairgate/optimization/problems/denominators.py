"""The denominators of all rates of a problem, estimated over the minibatches seen so far.

For each pair of weights w and a set of memberships d, with t the number of updates before,

    a = 1 / (t + 1),   S <- (1 - a) S + a sum_i w_i d_i,   C <- (1 - a) C + a n
    D = S / C  if  S > lower_bound * C  else  lower_bound

A denominator of the minibatch itself would be biased, and zero whenever a rare group is absent.
Two things go wrong with running means on rare groups: before the group was seen D is the lower
bound, and afterwards the clamp bends the rate of any group rarer than that. `count` does away with
both: one pass over the data, then D is what it is, and every minibatch rate is unbiased.

Source: Cotter et al., JMLR 20 (2019), section 2.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import tensorflow as tf

from fairgate.optimization.problems.forms import DenominatorKey
from fairgate.optimization.problems.sources import Batch, Evaluation, Hidden


class Denominators(tf.Module):
    """One running mean per distinct pair of weights and memberships.

    Args:
        keys: the pairs, each once.
        lower_bound: least value of D as a fraction of all rows, >= 0.
    """

    def __init__(self, keys: Iterable[DenominatorKey], lower_bound: float) -> None:
        super().__init__(name="denominators")
        self._places = Hidden({key: place for place, key in enumerate(dict.fromkeys(keys))})
        self._lower_bound = lower_bound
        options = {"trainable": False, "aggregation": tf.VariableAggregation.ONLY_FIRST_REPLICA}
        size = len(self._places.value)
        # float64: the mean of a million minibatches must still move.
        self.sums = tf.Variable(tf.ones([size], tf.float64), name="sums", **options)
        self.rows = tf.Variable(tf.ones([size], tf.float64), name="rows", **options)
        self.updates = tf.Variable(tf.zeros((), tf.int64), name="updates", **options)
        self.counted = tf.Variable(False, name="counted", **options)
        # The same for Python, so that steps traced after `count` hold no trace of the running means.
        self._fixed = False

    def values(self) -> tf.Tensor:
        """(number of pairs,) float32: D."""
        fractions = self.sums / self.rows
        floored = tf.where(fractions > self._lower_bound, fractions, self._lower_bound)
        exact = tf.where(fractions > 0, fractions, floored)
        return tf.cast(tf.where(self.counted, exact, floored), tf.float32)

    def value(self, key: DenominatorKey, values: tf.Tensor) -> tf.Tensor:
        """() float32: the entry of one pair in `values`."""
        return values[self._places.value[key]]

    def update(self, evaluation: Evaluation) -> None:
        """Counts one minibatch in, on all replicas together; does nothing after `count`."""
        if not self._places.value or self._fixed:
            return
        sums, rows = self._of_minibatch(evaluation)
        context = tf.distribute.get_replica_context()
        if context is not None and context.num_replicas_in_sync > 1:
            sums, rows = context.all_reduce(tf.distribute.ReduceOp.SUM, [sums, rows])
        a = 1.0 / (tf.cast(self.updates, tf.float64) + 1.0)
        a = tf.where(self.counted, tf.zeros_like(a), a)
        self.sums.assign((1.0 - a) * self.sums + a * sums)
        self.rows.assign((1.0 - a) * self.rows + a * rows)
        self.updates.assign_add(1)

    def count(self, batches: Iterable[Batch]) -> None:
        """Counts whole data, once and for all: later updates change nothing.

        Raises:
            ValueError: if there are no minibatches.
        """
        size = len(self._places.value)
        totals, rows, seen = np.zeros(size), np.zeros(size), False
        for batch in batches:
            seen = True
            if size:
                added, counted = self._of_minibatch(Evaluation(batch))
                totals, rows = totals + added.numpy(), rows + counted.numpy()
        if not seen:
            raise ValueError("no minibatches to count")
        self.sums.assign(totals)
        self.rows.assign(np.maximum(rows, 1.0))
        self.counted.assign(True)
        self._fixed = True

    def _of_minibatch(self, evaluation: Evaluation) -> tuple[tf.Tensor, tf.Tensor]:
        rows = [tf.cast(key.rows(evaluation), tf.float64) for key in self._places.value]
        counts = [tf.cast(tf.size(each), tf.float64) for each in rows]
        return tf.stack([tf.reduce_sum(each) for each in rows]), tf.stack(counts)
