"""What is worth classifying next, from known uncertainties."""

from __future__ import annotations

import numpy as np

from ActiveSuggestLib.strategies.base import ClassView
from ActiveSuggestLib.strategies.class_uncertainty import class_scores


class Pool:
    def __init__(self, auc: float = 0.834) -> None:
        self.auc = auc
        self.asked: list[int] = []

    def class_uncertainty(self, *, samples: int) -> ClassView:
        self.asked.append(samples)
        return ClassView(
            np.array([1.0, 0.25, 0.0]),
            np.array([0.5, 3.0, 0.75]),
            np.array([[0.1, 0.6, 0.3], [0.2, 0.2, 0.6], [1.0, 0.0, 0.0]]),
            ("normal", "nodule", "other"),
            trained_on=20,
            auc=self.auc,
            held_out=14,
        )


def test_the_score_is_the_sum_of_both_parts():
    pool = Pool()
    assert class_scores(pool, samples=30).values.tolist() == [1.5, 3.25, 0.75]
    assert pool.asked == [30]


def test_the_reasons_tell_the_likeliest_classes_both_parts_and_what_to_trust():
    first = class_scores(Pool()).reasons[0]
    assert first == [
        "It may be nodule (60%) or other (30%); the uncertainty of its class is 1.0 times the "
        "pool's median (1 that more classified images would settle and 0.5 noise, on the logit "
        "scale).",
        "Learnt on 20 classified images; AUC 0.83 on 14 patients that it had not seen.",
    ]


def test_without_a_second_class_held_out_no_auc_is_claimed():
    reasons = class_scores(Pool(float("nan"))).reasons
    assert {r[1] for r in reasons} == {"Learnt on 20 classified images."}
