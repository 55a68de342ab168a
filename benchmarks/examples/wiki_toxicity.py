"""Wiki_toxicity: comments that name a group are not toxic for that

A made corpus in which, as on Wikipedia's talk pages, comments about sexuality are rare (1.3%) and often
toxic (37%): a model of words learns that the words of the topic are toxic. The false positive rate of
comments about each of four topics is to be at most 0.02 above that of all comments. The rare topics
have a stream of minibatches of their own.
"""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np

from benchmarks.examples import common
from fairgate import optimization as co

OBJECTIVE = "error rate"
VIOLATION = "FPR of the worst topic - FPR of all - 0.02"
STORED: dict[str, common.Row] = {}
NOTE = "Simulated here: not comparable. The original stores plots, no figures."

# Of each topic: share of the comments, share of toxic ones among them (figures of the notebook), words.
TOPICS = {
    "sexuality": (0.013, 0.37, "gay lesbian bisexual homosexual straight heterosexual"),
    "gender identity": (0.053, 0.077, "trans transgender cis nonbinary"),
    "religion": (0.019, 0.086, "christian muslim jewish buddhist catholic sikh taoist"),
    "race": (0.048, 0.092, "african black white european hispanic latino asian american"),
}
TOXIC = 0.097
EXCESS = 0.02
VOCABULARY, WORDS, MENTIONS = 1000, 25, 4


def corpus(seed: int, rows: int) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Comments, whether they are toxic (n,), whether they are about each topic (n, 4)."""
    random = np.random.default_rng(seed)
    shares = np.array([share for share, _, _ in TOPICS.values()])
    topics = random.random((rows, len(TOPICS))) < shares
    chance = np.full(rows, TOXIC)
    for place, (_, toxic, _) in enumerate(TOPICS.values()):
        chance[topics[:, place]] = toxic
    labels = random.random(rows) < chance
    # Words of a Zipf law; every fifth word of the vocabulary is a little ruder than the others.
    plain = 1 / np.arange(10, VOCABULARY + 10)
    rude = plain * np.where(np.arange(VOCABULARY) % 5 == 0, 2.5, 1.0)
    drawn = [random.choice(VOCABULARY, (rows, WORDS), p=p / p.sum()) for p in (plain, rude)]
    words = np.where(labels[:, None], drawn[1], drawn[0]).astype(str).astype(object)
    words = "word" + words
    for place, (_, _, terms) in enumerate(TOPICS.values()):
        about = topics[:, place]
        for mention in range(MENTIONS):
            words[about, len(TOPICS) * mention + place] = random.choice(terms.split(), about.sum())
    return [" ".join(each) for each in words], labels, topics


def measure(scores, data):
    civil = data["y"] == 0
    most = common.positive_rate(scores, civil) + EXCESS
    rates = [common.positive_rate(scores, civil & (g > 0)) for g in data["topics"].T]
    return common.error_rate(scores, data["y"]), [rate - most for rate in rates]


def run(seed: int, folder: Path | None, small: bool) -> common.Rows:
    splits = {}
    ids = keras.layers.TextVectorization(VOCABULARY, output_sequence_length=WORDS)
    for name, rows in (("train", 2000 if small else 20000), ("test", 2000 if small else 40000)):
        comments, labels, topics = corpus(2 * seed + (name == "test"), rows)
        if name == "train":
            ids.adapt(comments)
        y, topics = labels.astype("float32"), topics.astype("float32")
        splits[name] = {"x": ids(comments).numpy(), "y": y, "topics": topics}
    about = splits["train"]["topics"].max(axis=1) > 0
    rare = {name: values[about] for name, values in splits["train"].items()}
    draw = {"all": common.minibatches(splits["train"], 256), "about": common.minibatches(rare, 256)}
    plan = common.Plan(rounds=20, steps=15 if small else 50, batch=256, rate=0.01)
    result = {}
    for constrained in (False, True):
        keras.utils.set_random_seed(seed)
        model = keras.Sequential(
            [
                keras.Input([WORDS], dtype="int32"),
                keras.layers.Embedding(VOCABULARY, 16),
                keras.layers.GlobalAveragePooling1D(),
                keras.layers.Dense(1),
            ]
        )
        both = {
            stream: co.rate_context(
                lambda b, stream=stream, model=model: model(b[stream]["x"]),
                labels=lambda b, stream=stream: b[stream]["y"],
            )
            for stream in draw
        }
        most = co.false_positive_rate(both["all"]) + EXCESS
        constraints = []
        for place in range(len(TOPICS) if constrained else 0):
            topic = both["about"].subset(lambda b, place=place: b["about"]["topics"][:, place])
            constraints.append(co.false_positive_rate(topic) <= most)
        loss = co.SoftmaxCrossEntropyLoss()
        problem = co.RateMinimizationProblem(
            co.error_rate(both["all"], penalty_loss=loss), constraints
        )
        snapshots = common.train(
            model, problem, lambda s: {each: take(s) for each, take in draw.items()}, plan, seed
        )
        found = common.measured(model, snapshots, splits, measure)
        result |= found.chosen() if constrained else {"unconstrained": found.one(-1)}
    return result
