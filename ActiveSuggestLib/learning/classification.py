"""Which class whole images are of, and how unsure that is, learnt from those that have a class.

A small head learns on the features that the project's segmentation encoder has of an image, so it
takes seconds. How good it is, is told on patients whose classes the head that judged them had not
seen: by cross-validation, and, for the project's validation patients, which are never learnt from,
by the head itself.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ..data.cases import CaseRow
from ..errors import ActiveSuggestError, NoClassError
from ..metrics import one_vs_rest_auc
from ..models.class_head import ClassHead, ClassUncertainty, class_uncertainty, train_class_head
from ..progress import Cancel, Progress, no_progress, part_of
from .case_features import CaseFeatures
from .workbench import Workbench

FOLDS = 5


@dataclass(frozen=True)
class ClassFinding:
    """What the head finds in the ``cases`` asked for; rows of ``uncertainty`` in their order.

    ``names`` are the classes, columns of its probabilities. ``auc`` is one against the rest, the
    mean over classes, on ``held_out`` patients (NaN where they show one class only).
    """

    cases: tuple[str, ...]
    uncertainty: ClassUncertainty
    names: tuple[str, ...]
    trained_on: int
    auc: float
    held_out: int


class PoolClasses:
    """Learns the classes of a project's images and applies them to others."""

    def __init__(
        self,
        bench: Workbench,
        *,
        progress: Progress = no_progress,
        cancel: Cancel | None = None,
    ) -> None:
        self.bench = bench
        self.progress = progress
        self.cancel = cancel or Cancel()
        self.features = CaseFeatures(bench)

    def of(self, cases: Sequence[CaseRow], *, samples: int) -> ClassFinding:
        """Return how unsure the class of ``cases`` is; unusable ones are reported and left out.

        Raises:
            NoModelError: there is no model whose features could be used.
            NoClassError: fewer than two classes have a case to learn from.
            CancelledError: asked to stop; features so far are kept.
        """
        bench = self.bench
        classes = bench.project.classes()
        known = [c for c in bench.project.cases() if c.name in classes and c.state != "excluded"]
        found = self._gather({c.name: c for c in (*known, *cases)})
        known = [c for c in known if c.name in found]
        wanted = [c for c in cases if c.name in found]
        names = tuple(sorted({classes[c.name] for c in known}))
        target = np.array([names.index(classes[c.name]) for c in known], int)
        apart = set(bench.project.validation_cases)
        patients = [c.patient for c in known]
        kept_out = {c.patient for c in known if c.name in apart}
        taught = np.array([p not in kept_out for p in patients], bool)
        if len(np.unique(target[taught])) < 2:
            raise NoClassError(
                f"Classes can be told apart once two of them have a case; so far "
                f"{_counted(names, target[taught])}.",
                path=bench.project.folder,
                remedy="Say what some more images show: activesuggest classify PROJECT CASE CLASS.",
            )
        pool = np.stack([found[name] for name in sorted(found)])
        x = np.stack([found[c.name] for c in known])
        number = itertools.count()

        def learn(rows: np.ndarray) -> ClassHead:
            tell = part_of(self.progress, next(number), FOLDS + 1, "learning classes")

            def hear(share: float) -> None:
                self.cancel.raise_if_cancelled()
                tell(share, 1.0)

            return train_class_head(
                x[rows], target[rows], len(names), pool=pool, seed=bench.seed, tell=hear
            )

        head = learn(taught)
        probability = held_out_probability(x, target, patients, taught, head, learn, samples)
        judged = np.isfinite(probability).all(axis=1)
        rows = np.stack([found[c.name] for c in wanted]) if wanted else np.empty((0, x.shape[1]))
        self.features.files.prune_others()
        return ClassFinding(
            tuple(c.name for c in wanted),
            class_uncertainty(head, rows, samples=samples, seed=bench.seed),
            names,
            int(taught.sum()),
            one_vs_rest_auc(probability[judged], target[judged]),
            len({p for p, is_judged in zip(patients, judged, strict=True) if is_judged}),
        )

    def _gather(self, cases: dict[str, CaseRow]) -> dict[str, np.ndarray]:
        """Return the features of each usable case: the bottleneck's mean over the image, (E,)."""
        size = self.features.model.inference.network.embedding_size
        found = {}
        for done, (name, case) in enumerate(cases.items()):
            self.cancel.raise_if_cancelled()
            self.progress(done, len(cases), f"features of {name}")
            if case.missing:
                continue
            self.bench.pauses.give_way()
            try:
                found[name] = self.features.of(case)[:, -size:].mean(axis=0)
            except ActiveSuggestError as error:
                self.bench.report(name, error)
        return found


def held_out_probability(
    features: np.ndarray,
    target: np.ndarray,
    patients: Sequence[str],
    taught: np.ndarray,
    head: ClassHead,
    learn: Callable[[np.ndarray], ClassHead],
    samples: int,
) -> np.ndarray:
    """Return the class probabilities (N, C) of images by heads that had not seen the patient.

    ``taught`` (N,) are what ``head`` learnt from: each fifth of their patients is judged by a head
    that learnt from the others, the rest by ``head`` itself. What none can judge is NaN.
    """
    result = np.full((len(target), head.classes), np.nan)
    rest = ~taught
    if rest.any():
        result[rest] = class_uncertainty(head, features[rest], samples=samples).probability
    fold = folds(target, patients, FOLDS)
    for number in range(FOLDS):
        apart = taught & (fold == number)
        others = taught & (fold != number)
        if not apart.any() or len(np.unique(target[others])) < head.classes:
            continue
        judge = learn(others)
        result[apart] = class_uncertainty(judge, features[apart], samples=samples).probability
    return result


def folds(target: np.ndarray, patients: Sequence[str], count: int) -> np.ndarray:
    """Return the fold (N,) of each image: a patient's are in one, each fold has all classes.

    >>> folds(np.array([0, 0, 1, 1]), ["a", "b", "c", "c"], 2).tolist()
    [0, 1, 0, 0]
    """
    first: dict[str, int] = {}
    for patient, own in zip(patients, np.asarray(target).tolist(), strict=True):
        first.setdefault(patient, own)
    order = sorted(first, key=lambda patient: (first[patient], patient))
    place = {patient: index % count for index, patient in enumerate(order)}
    return np.array([place[patient] for patient in patients], int)


def _counted(names: Sequence[str], target: np.ndarray) -> str:
    present = [f"{names[c]} has {n}" for c, n in enumerate(np.bincount(target)) if n]
    return ", ".join(present) if present else "none has"
