"""Networks trained on bootstrap resamples of the labels, and what they disagree about.

Suggestive annotation (Yang et al., MICCAI 2017, section 2.2): each network sees as many images as
are labelled, drawn with replacement. The uncertainty of a pixel is the variance of the networks'
probabilities; the descriptor of an image are the networks' own, each of length 1, one after the
other.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from .device import Device
from .inference import VolumeResult
from .networks import EncoderDecoder, SegmentationNetwork
from .plan import MEMORY_SHARE, Plan, bytes_a_voxel
from .samples import own_random_numbers
from .statistics import StreamedStatistics
from .suggestive_network import SuggestiveNetwork

PLANNED, SUGGESTIVE = "plan", "suggestive"
NETWORKS = (PLANNED, SUGGESTIVE)
BOOTSTRAP = 103


@dataclass(frozen=True)
class EnsembleSpec:
    """Which ensemble: ``members`` networks of the pool's ``plan`` or the paper's ``suggestive``.

    Training ends after ``steps`` a member or ``seconds`` for all of them, whichever is first.
    ``validated`` keeps 5 % of the labels apart and takes each member's best moment on them.
    """

    network: str = PLANNED
    members: int = 4
    steps: int | None = None
    seconds: float | None = 120.0
    validated: bool = False


def bootstrap(count: int, member: int, seed: int) -> np.ndarray:
    """Return the rows that a member is trained on: ``count`` draws of ``count`` with replacement.

    They depend on the arguments alone.
    """
    return np.random.default_rng([seed, BOOTSTRAP, member]).integers(count, size=count)


def member_network(spec: EnsembleSpec, plan: Plan, member: int, seed: int) -> EncoderDecoder:
    """Return the untrained network of one member, the same for the same arguments."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed * 1_000 + member)
        if spec.network == SUGGESTIVE:
            return SuggestiveNetwork(plan.channels, plan.classes)
        return SegmentationNetwork(plan.architecture)


def draw_alone(network: EncoderDecoder, member: int, seed: int, device: str) -> None:
    """Let a member's dropout draw from random numbers of its own, to train beside others."""
    own_random_numbers(network, seed * 1_000 + member, device)


def side_by_side(members: int, plan: Plan, device: Device, threads: int) -> int:
    """Return how many members train at once: one a processor thread, or what a GPU can hold."""
    need = bytes_a_voxel(plan.features) * plan.batch * math.prod(plan.patch)
    fits = int(MEMORY_SHARE * device.free_memory / need)
    most = threads if device.is_cpu else members
    return max(1, min(members, most, fits))


def combined(results: Iterable[VolumeResult]) -> VolumeResult:
    """Return the statistics of the members' predictions of one volume.

    The mean, the variance and the expected entropy are over the members. An embedding is theirs,
    each L2-normalised, concatenated: (members · E,).
    """
    streamed = StreamedStatistics()
    whole: list[np.ndarray] = []
    slices: list[np.ndarray] = []
    for result in results:
        streamed.add(result.maps.mean[None])
        whole.append(_unit(result.embedding))
        slices.append(_unit(result.slice_embeddings))
    return VolumeResult(streamed.maps(), np.concatenate(whole), np.concatenate(slices, axis=1))


def in_words(steps: Sequence[int], wanted: int | None) -> str:
    """Return how long the members were trained, in words.

    >>> in_words([40, 50], 2000)
    'trained 40 to 50 of 2000 steps each, as the time was up'
    """
    low, high = min(steps), max(steps)
    span = f"{low}" if low == high else f"{low} to {high}"
    if wanted is None or low >= wanted:
        return f"trained {span} steps each"
    return f"trained {span} of {wanted} steps each, as the time was up"


def _unit(rows: np.ndarray) -> np.ndarray:
    length = np.linalg.norm(rows, axis=-1, keepdims=True)
    return rows / np.where(length > 0, length, 1)
