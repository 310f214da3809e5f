"""A Bayesian network that judges synthetic slices: how unsure it is of each, and why."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from ..progress import Cancel
from .batches import Batches, LabelledCase
from .heteroscedastic import HeteroscedasticNetwork, kendall_gal_loss, uncertainty_parts
from .memory import Limits
from .plan import Plan
from .samples import sampling
from .statistics import EPSILON
from .training import GRADIENT_NORM, WEIGHT_DECAY
from .windows import Tiling, slabs, tile

DRAWS = 10
LEARNING_RATE = 1e-3


class JudgeLearning:
    """The training of the Bayesian network on labelled cases: AdamW, the loss of Kendall and Gal.

    Its dropout is random while it learns.
    """

    def __init__(
        self,
        network: HeteroscedasticNetwork,
        plan: Plan,
        cases: Sequence[LabelledCase],
        *,
        seed: int,
        batch: int,
        device: str = "cpu",
    ) -> None:
        self.network, self.seed, self.device = network.to(device), seed, device
        self.batch = batch
        self.batches = Batches(cases, plan, seed)
        self.optimiser = torch.optim.AdamW(
            network.parameters(), lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY
        )

    def step(self, index: int, share: float) -> float:
        """Do one step and return the loss."""
        self.network.train()
        for group in self.optimiser.param_groups:
            group["lr"] = LEARNING_RATE * max(1e-3, 1.0 - share) ** 0.9
        images, labels = self.batches.draw(index, self.batch)
        generator = torch.Generator(self.device).manual_seed(self.seed * 1_000_003 + index)
        with torch.random.fork_rng(devices=[self.device] if "cuda" in self.device else []):
            torch.manual_seed(self.seed * 1_000_003 + index)
            logits, log_variance = self.network(images.to(self.device))
        loss = kendall_gal_loss(
            logits, log_variance, labels.to(self.device), draws=DRAWS, generator=generator
        )
        value = float(loss.detach())
        if np.isfinite(value):
            self.optimiser.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(self.network.parameters(), GRADIENT_NORM)
            self.optimiser.step()
        return value

    def state(self) -> dict[str, Any]:
        """Return the weights and what the optimiser remembers."""
        return {"network": self.network.state_dict(), "optimiser": self.optimiser.state_dict()}

    def load(self, state: dict[str, Any]) -> None:
        """Go back to where ``state`` was taken."""
        self.network.load_state_dict(state["network"])
        self.optimiser.load_state_dict(state["optimiser"])


@dataclass(frozen=True)
class Judged:
    """What the network makes of S slices, (S,) each, on the logit scale (eq. 6).

    ``epistemic`` and ``aleatoric`` are plain means over a slice, the ``…_foreground`` ones are
    weighted by w = 1 − p̄_background; ``foreground`` is the mean of w.
    """

    epistemic: np.ndarray
    aleatoric: np.ndarray
    epistemic_foreground: np.ndarray
    aleatoric_foreground: np.ndarray
    foreground: np.ndarray

    def rows(self) -> np.ndarray:
        """Return all of it as (S, 5), in the order of the fields."""
        return np.stack(list(vars(self).values()), axis=1)


class Judge:
    """A trained Bayesian network of 2D slices, sampled by its dropout."""

    def __init__(self, network: HeteroscedasticNetwork, plan: Plan) -> None:
        self.network = network.eval()
        self.plan = plan

    @torch.no_grad()
    def judge(
        self,
        pictures: torch.Tensor,
        samples: int,
        limits: Limits,
        *,
        cancel: Cancel | None = None,
    ) -> Judged:
        """Judge prepared slices (S, C, H, W) by ``samples`` networks, the same for all slices."""
        self.network.to(limits.device)
        volume = pictures.movedim(1, 0)
        found = []
        for part in slabs(volume.shape[1:], self.plan, limits.halvings):
            slab = volume[:, part].to(limits.device)
            found.append(self._slab(slab, samples, limits, cancel))
        return Judged(**{k: np.concatenate([f[k] for f in found]) for k in found[0]})

    def _slab(
        self, slab: torch.Tensor, samples: int, limits: Limits, cancel: Cancel | None
    ) -> dict[str, np.ndarray]:
        tiling = tile(slab.shape[1:], self.plan, limits.halvings)
        background = torch.zeros(tuple(slab.shape[1:]), device=slab.device)

        def drawn() -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
            for sample in range(samples):
                if cancel is not None:
                    cancel.raise_if_cancelled()
                with sampling(self.network, (sample,)):
                    logits, log_variance = self._blended(tiling, slab)
                background.add_(functional.softmax(logits, dim=1)[:, 0] / samples)
                yield logits, log_variance

        parts = uncertainty_parts(drawn())
        weight = 1.0 - background
        total = weight.sum(dim=(1, 2)) + EPSILON
        found = {
            "epistemic": parts.epistemic.mean(dim=(1, 2)),
            "aleatoric": parts.aleatoric.mean(dim=(1, 2)),
            "epistemic_foreground": (weight * parts.epistemic).sum(dim=(1, 2)) / total,
            "aleatoric_foreground": (weight * parts.aleatoric).sum(dim=(1, 2)) / total,
            "foreground": weight.mean(dim=(1, 2)),
        }
        return {name: value.double().cpu().numpy() for name, value in found.items()}

    def _blended(self, tiling: Tiling, slab: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return logits and log-variance (S, classes, H, W) of one sample, windows blended."""
        padded = tiling.pad(slab)
        if tiling.single:
            both = list(self.network(padded.movedim(1, 0)))
        else:
            both = self._windows(tiling, padded)
        logits, log_variance = (tiling.crop(b.float().movedim(1, 0)).movedim(0, 1) for b in both)
        return logits, log_variance

    def _windows(self, tiling: Tiling, padded: torch.Tensor) -> list[torch.Tensor]:
        weight = tiling.importance().to(padded.device)[:, None]
        norm = torch.zeros((padded.shape[1], 1, *padded.shape[2:]), device=padded.device)
        both: list[torch.Tensor] = []
        for _, rows, columns in tiling.windows:
            found = self.network(padded[:, :, rows, columns].movedim(1, 0))
            if not both:
                shape = (padded.shape[1], found[0].shape[1], *padded.shape[2:])
                both = [torch.zeros(shape, device=padded.device) for _ in found]
            for total, new in zip(both, found, strict=True):
                total[:, :, rows, columns] += new.float() * weight
            norm[:, :, rows, columns] += weight
        return [total / norm for total in both]
