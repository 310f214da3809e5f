"""What strategies there are and what each does, in plain words: readable before torch is loaded.

The names, summaries and needs are those of the strategies themselves (a test holds both together);
the explanations are for a person who chooses one and has read no paper.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import metadata
from typing import Any

GROUP = "activesuggest.strategies"
"""The group of entry points under which another package registers a strategy."""

UNITS = ("volume", "slice")


@dataclass(frozen=True)
class Entry:
    """A strategy as a list shows it: its ``name``, what it picks, and whom it serves.

    ``needs_model``: before the first training it can only give a fair draw. ``available_units``:
    what it can rank, of ``UNITS``. ``module`` and ``attribute`` say where its class is.
    ``simulation_only``: it looks at what only a simulation knows.
    """

    name: str
    summary: str
    explanation: str
    needs_model: bool
    module: str
    attribute: str
    available_units: tuple[str, ...] = UNITS
    simulation_only: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Return name, summary, explanation, needs_model and available_units."""
        return {
            "name": self.name,
            "summary": self.summary,
            "explanation": self.explanation,
            "needs_model": self.needs_model,
            "available_units": list(self.available_units),
        }


_OWN = (
    Entry(
        "default",
        "Uncertain in the predicted structures, each of them in turn; all patients differ.",
        "The one to start with: first a few cases that together look like all others, then those "
        "whose structures the model is least sure of, each structure getting its turn.",
        False,
        "default",
        "Default",
    ),
    Entry(
        "mc-dropout",
        "Where the model changes its mind when parts of it are switched off at random.",
        "Asks the model the same question many times with small parts switched off, and picks the "
        "cases on which its answers differ most.",
        True,
        "mc_dropout",
        "MCDropout",
    ),
    Entry(
        "ensemble",
        "Where several networks contradict each other, spread over the whole pool.",
        "Trains several small models, each on another draw of your labels, and picks cases on "
        "which they disagree and which together stand for the rest; this takes some minutes.",
        True,
        "ensemble",
        "SuggestiveAnnotation",
    ),
    Entry(
        "entropy",
        "Where the prediction is spread over several classes.",
        "Picks the cases in which the model cannot decide between the structures.",
        True,
        "measures",
        "Entropy",
    ),
    Entry(
        "margin",
        "Where the two likeliest classes are nearly as likely as each other.",
        "Picks the cases in which the model hesitates between its first and its second choice, "
        "which is mostly along borders.",
        True,
        "measures",
        "Margin",
    ),
    Entry(
        "least-confidence",
        "Where even the likeliest class is not very likely.",
        "Picks the cases in which the model trusts even its best answer little.",
        True,
        "measures",
        "LeastConfidence",
    ),
    Entry(
        "bald",
        "Where confident samples of the model contradict each other.",
        "Picks what the model could still learn, and leaves out what is blurred for everybody: its "
        "repeated answers are each sure, but not the same.",
        True,
        "measures",
        "BALD",
    ),
    Entry(
        "power-bald",
        "A draw that favours what the model's samples disagree about.",
        "As bald, but with some luck in the draw, so that a batch does not hold the same "
        "difficulty many times over.",
        True,
        "power_bald",
        "PowerBALD",
    ),
    Entry(
        "stochastic-batches",
        "The most uncertain of many random batches; of=NAME chooses the uncertainty.",
        "Throws many random batches together and takes the most uncertain one: uncertain, and "
        "still as varied as a random choice.",
        True,
        "stochastic_batches",
        "StochasticBatches",
    ),
    Entry(
        "k-center",
        "What looks least like anything that is labelled.",
        "Picks the cases that look, to the model, most unlike everything you have labelled.",
        True,
        "k_center",
        "KCenter",
    ),
    Entry(
        "typicality",
        "The most typical of each group that has no label yet.",
        "Sorts the cases into groups that look alike and takes the most ordinary one of each group "
        "that has no label; good while there are few labels.",
        True,
        "typicality",
        "Typicality",
    ),
    Entry(
        "cluster-cover",
        "Representatives of the pool's groups that together cover all of it.",
        "Picks a few cases that together stand for all the others as well as possible.",
        True,
        "cluster_cover",
        "ClusterCover",
    ),
    Entry(
        "bsq",
        "Where the model is unsure and the image is typical of what is not labelled yet.",
        "Picks cases that are difficult and ordinary at once, so that one label helps with many "
        "others; learns once what the images look like, which takes a minute or two.",
        True,
        "bsq",
        "BayesianSampleQuerying",
    ),
    Entry(
        "gradient-guided",
        "What lies where the loss of the newest labelled images would rise.",
        "Picks cases like the ones you labelled last, but a step further in the direction in which "
        "the model gets worse; learns once what the images look like.",
        True,
        "gradient_guided",
        "GradientGuided",
    ),
    Entry(
        "learning-loss",
        "Where a second network expects the model to be wrong.",
        "Lets a small second model learn where the first goes wrong, and picks the cases for which "
        "it foretells the largest error.",
        True,
        "learning_loss",
        "LearningLoss",
    ),
    Entry(
        "synthetic",
        "Where a Bayesian network is unsure of synthetic variations of an image.",
        "Draws variations of each image with moved borders and picks where the model is least sure "
        "of them; learns to draw for some minutes. Can pick what to classify next, too.",
        True,
        "synthetic",
        "SyntheticVariations",
    ),
    Entry(
        "random",
        "A fair draw: every patient has the same chance.",
        "Draws at random, every patient with the same chance: what the others must beat.",
        False,
        "random_choice",
        "RandomChoice",
    ),
    Entry(
        "foreground-random",
        "A fair draw among what the model finds something in.",
        "Draws at random among the cases and slices in which the model sees any structure.",
        True,
        "foreground_random",
        "ForegroundRandom",
    ),
    Entry(
        "strided",
        "Evenly spaced through the pool: every n-th case, slices at all heights.",
        "Goes through the images in even steps, without looking at them; needs no model.",
        False,
        "strided",
        "Strided",
    ),
    Entry(
        "oracle",
        "The lowest true Dice; in simulations only.",
        "Looks at the true labels and picks the cases that the model segments worst: how well a "
        "strategy could do, in simulations alone.",
        False,
        "oracle",
        "Oracle",
        simulation_only=True,
    ),
)


def own(*, simulation: bool = False) -> tuple[Entry, ...]:
    """Return the strategies of this package, ``default`` first; all of them in a ``simulation``."""
    return tuple(entry for entry in _OWN if simulation or not entry.simulation_only)


def entry_points() -> dict[str, metadata.EntryPoint]:
    """Return what other packages registered, by name and sorted; nothing of them is loaded."""
    names = {entry.name for entry in _OWN}
    found = {point.name: point for point in metadata.entry_points(group=GROUP)}
    return {name: found[name] for name in sorted(found) if name not in names}
