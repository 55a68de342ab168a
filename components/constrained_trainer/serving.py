"""A trained network as a SavedModel that serves raw serialized examples."""

from __future__ import annotations

import os
from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf
import tensorflow_transform as tft
from tensorflow.core.protobuf import trackable_object_graph_pb2

from components.columns import group_members, label_index, memberships
from components.constrained_trainer.models import networks
from components.constrained_trainer.selection.cells import CellThresholds
from components.features import (
    CLASS,
    PROBABILITY,
    SLICES_LABEL,
    SLICES_UNIT,
    SLICES_WEIGHT,
    Features,
)
from components.transform import preprocessing
from components.transform.inputs import unpack_inputs
from components.transform.preprocessing import require_described
from fairgate.optimization.serving import StochasticClassifier, draws_by_key

UNKNOWN_GROUP = "(unknown)"
_OF_RANDOM_LAYERS = "seed_generator_state"  # as Keras calls them, which counts them to no weights


class ServedModel(tf.Module):
    """Raw examples in, the probability of the positive class out.

    Of a label with several classes the probability of each, softmax(scores), and the name of the
    likeliest, which is the decision.

    The probability is sigmoid(score), so that the threshold 0.5 *is* the decision (score > 0) that the
    constraints were trained at. Pictures and columns go through Transform's own graph.

    Of a mixture of snapshots each example meets one, which its serialized bytes decide: asked twice,
    the model answers alike, and what the gate measures is what is served.

    Where groups have thresholds of their own, the example's is taken from its score, so that 0.5 stays
    the decision. Where that is left to a draw, its serialized bytes decide, too. Somebody whose group is
    missing or unknown meets the threshold that the network was trained at.

    Args:
      network: the model; of a mixture, its architecture.
      transform: Transform's output.
      features: what the columns mean.
      members: (probability, weights) of each snapshot in a mixture.
      rule: thresholds of each group's own; None: all have the same.
    """

    def __init__(
        self,
        network: keras.Model,
        transform: tft.TFTransformOutput,
        features: Features,
        members: Sequence[tuple[float, Sequence[np.ndarray]]] = (),
        rule: CellThresholds | None = None,
    ):
        super().__init__()
        self._features = features
        self._network = network
        # Keras does not show the states of random layers (dropout, augmentation) to SavedModel.
        self._states = [variable.value for variable in network.variables]
        self._rule = rule
        self._mixture: StochasticClassifier | None = None
        if len(members) > 1:
            probabilities, of_each = zip(*members, strict=True)
            self._mixture = StochasticClassifier.from_snapshots(network, of_each, probabilities)
        layer = transform.transform_features_layer()
        # Its graph and tables are kept, and not the model of Keras 2 around them: saving would trace that
        # by itself, for signatures that nobody asks for, which takes longer than all else.
        self._graph = vars(layer._saved_model_loader)
        self._transform = lambda raw: layer(raw)
        # As the schema has them: a column that it lets a record do without may be missing here too.
        columns = transform.raw_feature_spec()
        self._columns = {name: columns[name] for name in features.input_columns}
        self._asked = {name: columns[name] for name in memberships(features)}
        self._counted = {}
        for setting in ("unit", "weight"):
            column = getattr(features, setting)
            if column is not None:
                require_described(column, setting, columns)
                self._counted[column] = columns[column]

    @tf.function(
        input_signature=[tf.TensorSpec([None], tf.string, name="examples")], autograph=False
    )
    def serving_default(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        """(n,) serialized tf.Examples with the input columns -> `probability`, float32 (n, 1).

        Of several classes `probability` is (n, classes), and `class` (n,) the name of the likeliest.
        """
        raw = tf.io.parse_example(examples, self._columns)
        inputs = unpack_inputs(self._transform(raw), self._features)
        if self._mixture is None:
            scores = networks.call(self._network, inputs, training=False)
        else:
            scores = self._mixture.by_key(networks.argument(inputs), examples)
            scores = scores if self._features.label.classes else scores[:, tf.newaxis]
        scores = tf.cast(scores, tf.float32)
        if self._features.label.classes:
            names = tf.constant(list(self._features.label.classes))
            likeliest = tf.gather(names, tf.argmax(scores, axis=1))
            return {PROBABILITY: tf.nn.softmax(scores), CLASS: likeliest}
        if self._rule is not None:
            features = self._rule.cells.features
            found = group_members(raw, self._features, features)
            cells = self._rule.cells.joined([_index(found[feature]) for feature in features])
            own = self._rule.shifted(scores[:, 0], cells, draws_by_key(examples))
            scores = own[:, tf.newaxis]
        return {PROBABILITY: tf.sigmoid(scores)}

    @tf.function(
        input_signature=[tf.TensorSpec([None], tf.string, name="examples")], autograph=False
    )
    def slices(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        """(n,) serialized tf.Examples -> the label, float32 (n,), and the name of each group, (n,).

        The label is 1 or 0, or the place of a class.

        Of a feature whose groups overlap (n, groups), some name of the example's own in every place.

        And whose example each is, (n,) text, where data.features.unit says, and what it counts, float32
        (n,), where data.features.weight does. Of records with weights that are of nobody in particular a
        digest stands for the first, an order of them that has nothing to do with how they are stored.

        For evaluation: a slice called "Not Young" reads better than one called 0.
        """
        raw = tf.io.parse_example(examples, self._asked)
        label = label_index(raw[self._features.label.name], self._features)
        outputs = {SLICES_LABEL: tf.where(label < 0, float("nan"), tf.cast(label, tf.float32))}
        several = self._features.overlapping
        for feature, found in group_members(raw, self._features).items():
            names = self._features.group_names[feature]
            places, none = tf.range(len(names), dtype=tf.int64), tf.constant(len(names), tf.int64)
            index = _index(found)
            index = tf.where(index < 0, none, index)
            if feature in several:
                # The first again in place of others': TFMA counts an example once in a slice.
                index = tf.where(found, places, index[:, tf.newaxis])
            outputs[feature] = tf.gather(tf.constant([*names, UNKNOWN_GROUP]), index)
        counted = tf.io.parse_example(examples, self._counted) if self._counted else {}
        if self._features.weight is not None:
            outputs[SLICES_WEIGHT] = preprocessing.weights(counted[self._features.weight])
            digests = tf.strings.to_hash_bucket_strong(examples, 2**62, [0, 0])
            outputs[SLICES_UNIT] = tf.strings.as_string(digests)
        if self._features.unit is not None:
            column = counted[self._features.unit]
            if isinstance(column, tf.SparseTensor):  # the schema lets a record do without
                column = tf.sparse.to_dense(column)
            names = column if column.dtype == tf.string else tf.strings.as_string(column)
            outputs[SLICES_UNIT] = tf.reshape(names, [-1])
        return outputs


def weights(directory: str) -> list[np.ndarray]:
    """The weights of the network in a SavedModel of `export`, as `keras.Model.get_weights` has them.

    Read from its variables alone: no graph is loaded.

    Raises:
      tf.errors.OpError, ValueError, LookupError: its variables cannot be read, or somebody else wrote it.
    """
    reader = tf.train.load_checkpoint(os.path.join(directory, "variables", "variables"))
    graph = trackable_object_graph_pb2.TrackableObjectGraph.FromString(
        reader.get_tensor("_CHECKPOINTABLE_OBJECT_GRAPH")
    )
    children = [{each.local_name: each.node_id for each in node.children} for node in graph.nodes]
    states = children[children[0]["_states"]]
    of_network = [graph.nodes[states[str(place)]].attributes[0] for place in range(len(states))]
    return [
        np.asarray(reader.get_tensor(state.checkpoint_key))
        for state in of_network
        if not state.full_name.endswith(_OF_RANDOM_LAYERS)
    ]


def _index(found: tf.Tensor) -> tf.Tensor:
    """(n, groups) bool -> (n,) int64, the first group of each; -1 where there is none."""
    first = tf.argmax(tf.cast(found, tf.int32), axis=1)
    return tf.where(tf.reduce_any(found, axis=1), first, tf.constant(-1, tf.int64))


def export(
    network: keras.Model,
    transform: tft.TFTransformOutput,
    features: Features,
    directory: str,
    members: Sequence[tuple[float, Sequence[np.ndarray]]] = (),
    rule: CellThresholds | None = None,
) -> None:
    """Writes a SavedModel with the signatures of `ServedModel` into `directory`."""
    served = ServedModel(network, transform, features, members, rule)
    tf.saved_model.save(
        served,
        directory,
        signatures={"serving_default": served.serving_default, "slices": served.slices},
    )
