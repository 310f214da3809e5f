"""The trainings of the mask autoencoder and of the conditional GAN, step by step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from .frames import Frame, reach_of
from .gan import Discriminator, Generator
from .gan_losses import (
    Encoder,
    altered_loss,
    discriminator_loss,
    paired_loss,
)
from .gan_plan import GanPlan
from .mask_autoencoder import MaskAutoencoder, one_hot
from .mask_edits import (
    EditRanges,
    changed_region,
    draw_edit,
    moved,
    placed,
    present_classes,
)

MOST_SLICES = 1_000
TRAINED_WITH = EditRanges(runs=4, rotation=8.0, shift=25.0)
BETAS = (0.5, 0.999)


@dataclass(frozen=True)
class LabelledPictures:
    """Slices of labelled images as the GAN sees them.

    ``pictures`` float16 (N, C, side, side) within ±1, ``masks`` uint8 (N, side, side); ``reach``
    as in ``Frame``.
    """

    pictures: np.ndarray
    masks: np.ndarray
    reach: tuple[float, ...]

    @classmethod
    def of(cls, slices: Sequence[tuple[np.ndarray, np.ndarray]], side: int) -> LabelledPictures:
        """Return (picture (C, H, W), mask uint8 (H, W)) pairs, evenly thinned to a thousand.

        Slices that show a structure are preferred: where any does, the others are left out.
        """
        shown = [pair for pair in slices if present_classes(pair[1])] or list(slices)
        shown = shown[:: -(-len(shown) // MOST_SLICES)]
        reach = reach_of([picture for picture, _ in shown])
        pictures, masks = [], []
        for picture, mask in shown:
            frame = Frame(mask.shape[0], mask.shape[1], side, reach)
            pictures.append(frame.pictures(torch.from_numpy(np.array(picture))[None].float())[0])
            masks.append(frame.masks(torch.from_numpy(np.array(mask))[None])[0])
        return cls(torch.stack(pictures).half().numpy(), torch.stack(masks).numpy(), reach)


@dataclass(frozen=True)
class Drawn:
    """A batch: pictures (B, C, H, W) and their masks, what is blanked, and altered masks."""

    pictures: torch.Tensor
    masks: torch.Tensor
    regions: torch.Tensor
    altered: torch.Tensor


def draw_batch(
    material: LabelledPictures, batch: int, rng: np.random.Generator, device: str
) -> Drawn:
    """Return a batch of pictures, turned, shifted and edited at random; brightness varies too."""
    rows = rng.integers(len(material.masks), size=batch)
    parts: list[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]] = []
    for row in rows:
        picture, mask = material.pictures[row].astype(np.float32), material.masks[row]
        classes = present_classes(mask)
        picture, mask = placed(picture, mask, draw_edit(classes, TRAINED_WITH, rng))
        gain, lift = rng.uniform(0.85, 1.15), rng.uniform(-0.05, 0.05)
        picture = np.clip(gain * picture + lift, -1.0, 1.0)
        altered = mask
        # All structures at once: only where something is altered is there anything to learn.
        for kind in rng.permutation(classes):
            altered = moved(altered, draw_edit((int(kind),), TRAINED_WITH, rng))
        parts.append((picture, mask, changed_region(mask, altered)[None], altered))
    pictures, masks, regions, altered_masks = (np.stack(p) for p in zip(*parts, strict=True))
    return Drawn(
        torch.from_numpy(pictures.astype(np.float32)).to(device),
        torch.from_numpy(masks).to(device),
        torch.from_numpy(regions.astype(np.float32)).to(device),
        torch.from_numpy(altered_masks).to(device),
    )


class MaskLearning:
    """The training of the mask autoencoder: Adam, cross-entropy, true and altered masks."""

    def __init__(
        self, plan: GanPlan, material: LabelledPictures, *, seed: int, device: str = "cpu"
    ) -> None:
        self.plan, self.material, self.seed, self.device = plan, material, seed, device
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.network = MaskAutoencoder(plan).to(device)
        self.optimiser = torch.optim.Adam(self.network.parameters(), lr=plan.mask_learning_rate)

    def step(self, index: int, share: float) -> float:
        """Do one step and return the loss."""
        self.network.train()
        for group in self.optimiser.param_groups:
            group["lr"] = self.plan.mask_learning_rate * max(0.05, 1.0 - share)
        rng = np.random.default_rng([self.seed, 1, index])
        drawn = draw_batch(self.material, self.plan.batch, rng, self.device)
        loss = self.network.loss(torch.cat([drawn.masks, drawn.altered]))
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        self.optimiser.step()
        return float(loss.detach())

    def state(self) -> dict[str, Any]:
        """Return the weights and what the optimiser remembers."""
        return {"network": self.network.state_dict(), "optimiser": self.optimiser.state_dict()}

    def load(self, state: dict[str, Any]) -> None:
        """Go back to where ``state`` was taken."""
        self.network.load_state_dict(state["network"])
        self.optimiser.load_state_dict(state["optimiser"])


class GanLearning:
    """The training of generator and discriminator.

    First pictures with their own masks; in the last part every second step has altered ones.
    """

    def __init__(
        self,
        plan: GanPlan,
        material: LabelledPictures,
        masks: MaskAutoencoder,
        encoder: Encoder,
        *,
        seed: int,
        device: str = "cpu",
    ) -> None:
        self.plan, self.material, self.seed, self.device = plan, material, seed, device
        self.masks = masks.to(device).eval()
        self.encoder = encoder
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.generator = Generator(plan).to(device)
            self.discriminator = Discriminator(plan).to(device)
        rate = plan.learning_rate
        self.optimiser = torch.optim.Adam(self.generator.parameters(), lr=rate, betas=BETAS)
        # Few pictures are learnt by heart at once: the judge goes more slowly.
        self.judging = torch.optim.Adam(
            self.discriminator.parameters(), lr=0.25 * rate, betas=BETAS
        )

    def step(self, index: int, share: float) -> float:
        """Do one step of each and return the generator's loss."""
        plan = self.plan
        self.generator.train()
        self.discriminator.train()
        for group in self.optimiser.param_groups:
            group["lr"] = plan.learning_rate * max(0.05, 1.0 - share)
        rng = np.random.default_rng([self.seed, 2, index])
        drawn = draw_batch(self.material, plan.batch, rng, self.device)
        altered = share >= 1.0 - plan.altered_share and index % 2 == 1
        wanted = one_hot(drawn.altered if altered else drawn.masks, plan.classes)
        own = one_hot(drawn.masks, plan.classes)
        with torch.no_grad():
            z = self.masks.encode(wanted)
        made = self.generator(drawn.pictures, drawn.regions, wanted, z)
        judged = discriminator_loss(
            self.discriminator(drawn.pictures, own), self.discriminator(made.detach(), wanted)
        )
        self.judging.zero_grad(set_to_none=True)
        judged.backward()
        self.judging.step()
        fake = self.discriminator(made, wanted)
        if altered:
            loss = altered_loss(plan, fake, made, drawn.pictures, drawn.regions, self.encoder)
        else:
            loss = paired_loss(plan, fake, made, drawn.pictures, drawn.regions)
        value = float(loss.detach())
        if np.isfinite(value):
            self.optimiser.zero_grad(set_to_none=True)
            loss.backward()
            self.optimiser.step()
        return value

    def state(self) -> dict[str, Any]:
        """Return the weights and what the optimisers remember."""
        return {name: part.state_dict() for name, part in self._parts().items()}

    def load(self, state: dict[str, Any]) -> None:
        """Go back to where ``state`` was taken."""
        for name, part in self._parts().items():
            part.load_state_dict(state[name])

    def _parts(self) -> dict[str, Any]:
        names = ("generator", "discriminator", "optimiser", "judging")
        return {name: getattr(self, name) for name in names}
