"""Train an autoencoder on the slices of a pool, and encode slices with it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from ..errors import TrainingDivergedError
from ..progress import Cancel, Progress, no_progress
from .autoencoder import Autoencoder, AutoencoderPlan

GRADIENT_NORM = 5.0
ENCODED_AT_ONCE = 64


@dataclass(frozen=True)
class AutoencoderTraining:
    """How a training went: steps done of those planned, seconds, and the error at both ends.

    ``first_error`` and ``last_error`` are the mean squared error a pixel over the first and the
    last tenth of the steps.
    """

    steps: int
    planned_steps: int
    seconds: float
    slices: int
    first_error: float
    last_error: float


def train_autoencoder(
    plan: AutoencoderPlan,
    cases: Sequence[np.ndarray],
    *,
    seed: int,
    device: str = "cpu",
    progress: Progress = no_progress,
    cancel: Cancel | None = None,
) -> tuple[Autoencoder, AutoencoderTraining]:
    """Return an autoencoder of the slices in ``cases``, each (S, C, 96, 96), and its record.

    Adam; batch i depends on ``seed`` and i alone, so a training that ends by its steps repeats
    exactly on a CPU. Every slice has the same chance.

    Raises:
        CancelledError: asked to stop.
        TrainingDivergedError: the loss is not finite.
    """
    ends = np.cumsum([len(c) for c in cases])
    total, started = int(ends[-1]), time.monotonic()
    with torch.random.fork_rng(devices=[device] if device.startswith("cuda") else []):
        torch.manual_seed(seed)
        network = Autoencoder(plan).to(device).train()
    optimiser = torch.optim.Adam(network.parameters(), lr=plan.learning_rate)
    steps = plan.steps(total)
    errors: list[float] = []
    for step in range(steps):
        if cancel is not None:
            cancel.raise_if_cancelled()
        if errors and time.monotonic() - started > plan.seconds:
            break
        rng = np.random.default_rng([seed, step])
        rows = rng.integers(total, size=plan.batch)
        owner = np.searchsorted(ends, rows, side="right")
        pictures = [cases[c][r - ends[c]] for c, r in zip(owner, rows, strict=True)]
        x = torch.from_numpy(np.stack(pictures)).float().to(device)
        draws = rng.standard_normal((2, plan.batch, plan.dimensions), dtype=np.float32)
        noise, prior = torch.from_numpy(draws).to(device)
        loss, error = network.loss(x, noise, prior)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), GRADIENT_NORM)
        optimiser.step()
        errors.append(float(error.detach()))
        if not np.isfinite(errors[-1]):
            raise TrainingDivergedError(
                "The training of the autoencoder diverged: its loss is not finite.",
                remedy="Check the images for extreme values, or choose another strategy.",
            )
        progress(step + 1, steps, f"autoencoder, step {step + 1}, error {errors[-1]:.3f}")
    tenth = max(1, len(errors) // 10)
    record = AutoencoderTraining(
        steps=len(errors),
        planned_steps=steps,
        seconds=time.monotonic() - started,
        slices=total,
        first_error=float(np.mean(errors[:tenth])),
        last_error=float(np.mean(errors[-tenth:])),
    )
    return network.eval(), record


@torch.inference_mode()
def encode_slices(network: Autoencoder, slices: np.ndarray, device: str = "cpu") -> np.ndarray:
    """Return the latents μ of slices (S, C, 96, 96): float32 (S, d)."""
    network.to(device).eval()
    parts = [
        network.encode(
            torch.from_numpy(np.array(slices[s : s + ENCODED_AT_ONCE])).float().to(device)
        )
        for s in range(0, len(slices), ENCODED_AT_ONCE)
    ]
    return torch.cat(parts).cpu().numpy()
