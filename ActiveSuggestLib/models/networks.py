"""The segmentation network: MONAI's residual U-Net, cut where the first dropout acts.

Everything before the first dropout gives the same result for every Monte-Carlo sample, so
``encode`` runs once a window and only ``decode`` once a sample. That is exact, not an
approximation: nothing random precedes the cut and instance norm has no batch statistics.
Dropout acts on the bottleneck and on the inner decoder stages, where Bayesian SegNet (Kendall,
Badrinarayanan and Cipolla 2015, section 4) found it to work best.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from monai.networks.nets import UNet
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from .samples import SampledDropout

RESIDUAL_UNITS = 2


@dataclass(frozen=True)
class Architecture:
    """What a network is made from; ``strides`` are one (z, y, x) or (y, x) tuple a level."""

    dimensions: int
    in_channels: int
    classes: int
    channels: tuple[int, ...]
    strides: tuple[tuple[int, ...], ...]
    dropout: float

    @property
    def divisor(self) -> tuple[int, ...]:
        """The size in voxels by which each axis of the input must divide."""
        return tuple(math.prod(axis) for axis in zip(*self.strides, strict=True))


class EncoderDecoder(nn.Module):
    """What training and inference ask of a network: an encoder, and a decoder that may be random.

    ``forward`` maps (B, in_channels, *spatial) to logits (B, classes, *spatial).
    """

    def encode(self, x: torch.Tensor) -> list[torch.Tensor]:
        """Return the features of every level, the bottleneck last."""
        raise NotImplementedError

    def decode(self, features: Sequence[torch.Tensor], samples: int = 1) -> torch.Tensor:
        """Return logits, (samples · B, classes, *spatial), sample-major."""
        raise NotImplementedError

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return logits."""
        return self.decode(self.encode(x))

    @property
    def embedding_size(self) -> int:
        """The number of bottleneck channels."""
        raise NotImplementedError


class SegmentationNetwork(EncoderDecoder):
    """A residual U-Net whose encoder can be shared by Monte-Carlo samples."""

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        self.architecture = architecture
        unet = UNet(
            spatial_dims=architecture.dimensions,
            in_channels=architecture.in_channels,
            out_channels=architecture.classes,
            channels=architecture.channels,
            # A tuple a level; MONAI's annotation knows the isotropic form only.
            strides=list(architecture.strides),  # type: ignore[arg-type]
            num_res_units=RESIDUAL_UNITS,
            norm=("instance", {"affine": True}),
        )
        self.down = nn.ModuleList()
        up: list[nn.Module] = []
        block: Any = unet.model
        while isinstance(block, nn.Sequential) and len(block) == 3:
            self.down.append(block[0])
            up.append(block[2])
            block = block[1].submodule
        self.bottleneck = block
        self.up = nn.ModuleList(reversed(up))
        # The last stage has one channel a class: dropping one would drop a class.
        self.dropout = nn.ModuleList(
            SampledDropout(architecture.dropout, layer) for layer in range(len(self.up))
        )

    def encode(self, x: torch.Tensor) -> list[torch.Tensor]:
        """Return the features of every level, the bottleneck last."""
        features = []
        for stage in self.down:
            x = stage(x)
            features.append(x)
        features.append(self.bottleneck(x))
        return features

    def decode(self, features: Sequence[torch.Tensor], samples: int = 1) -> torch.Tensor:
        """Return logits, (samples · B, classes, *spatial), sample-major."""
        last: torch.Tensor = self.up[-1](self.before_last(features, samples))
        return last

    def before_last(self, features: Sequence[torch.Tensor], samples: int = 1) -> torch.Tensor:
        """Return what the last stage is given, from which another output may be read as well."""
        x = _repeat(features[-1], samples)
        skips = list(reversed(features[:-1]))
        for index, (dropout, skip) in enumerate(zip(self.dropout, skips, strict=True)):
            if index:
                x = self.up[index - 1](x)
            x = torch.cat([_repeat(skip, samples), dropout(x)], dim=1)
        return x

    @property
    def embedding_size(self) -> int:
        """The number of bottleneck channels."""
        return self.architecture.channels[-1]


def _repeat(x: torch.Tensor, samples: int) -> torch.Tensor:
    return x if samples == 1 else x.repeat((samples,) + (1,) * (x.ndim - 1))


def pass_flops(architecture: Architecture, window: Sequence[int]) -> tuple[int, int]:
    """Return the floating-point operations of (encode, decode) on one window, without running."""
    with torch.device("meta"):
        network = SegmentationNetwork(architecture).eval()
        x = torch.empty((1, architecture.in_channels, *window))
    with FlopCounterMode(display=False) as encoding:
        features = network.encode(x)
    with FlopCounterMode(display=False) as decoding:
        network.decode(features)
    return encoding.get_total_flops(), decoding.get_total_flops()
