"""Fine-tuning within a given time: warm start, replay of all labels, best model kept."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from ..errors import CancelledError, TrainingDivergedError
from ..pauses import Pauses
from ..progress import Cancel, Progress, no_progress
from .batches import Batches, LabelledCase
from .losses import MaskedDiceCELoss
from .memory import Limits, Notice, no_notice, with_less_memory
from .networks import EncoderDecoder
from .plan import Plan

# At 2e-3 new networks stay twice as long where all is background as at 4e-3, and large ones learn
# less in as many steps; at 4e-3 one on chest X-rays did worse (Testing/Benchmarks/RESULTS.md).
LEARNING_RATE = 3e-3
WARM_LEARNING_RATE = 1.5e-3
WEIGHT_DECAY = 1e-4
WARM_UP_STEPS = 10
GRADIENT_NORM = 12.0
LAST_CHECKS = (0.5, 0.75, 0.9)
CHECK_SHARE = 0.05
FINAL_CHECK_SHARE = 0.2
REFRESH_SECONDS = 2.0
KEEP_SECONDS = 20.0
MOST_BAD_STEPS = 20
PACE_STEPS = 5
# Macs with Intel processors have PyTorch 2.2.
FUSED_ON_CPU = tuple(int(n) for n in torch.__version__.split(".")[:2]) >= (2, 4)

Dice = dict[str, float]
Loss = Callable[[Any, torch.Tensor], torch.Tensor]


@dataclass(frozen=True)
class Budget:
    """How long to train: a number of steps (repeatable with a seed) or of seconds.

    With both, whichever is first.
    """

    seconds: float | None = None
    steps: int | None = None

    def share(self, step: int, elapsed: float) -> float:
        """Return the share that is used up, 0…1."""
        by_step = 0.0 if self.steps is None else step / max(1, self.steps)
        if self.steps is not None and self.seconds is None:
            return min(1.0, by_step)
        return min(1.0, max(by_step, elapsed / max(1e-9, self.seconds or 0.0)))


@dataclass
class TrainingState:
    """Where a training stands: enough to go on after a kill.

    ``trained_on`` maps the cases it has seen to the hashes of their labels.
    """

    weights: dict[str, torch.Tensor]
    optimiser: dict[str, Any]
    step: int
    elapsed: float
    trained_on: dict[str, str]


@dataclass(frozen=True)
class CurvePoint:
    """One point of the training curve; ``dice`` is the mean over the validation cases."""

    step: int
    seconds: float
    loss: float | None
    dice: float | None


@dataclass
class TrainingOutcome:
    """The best weights, how well they did on the validation cases, and how they came about."""

    weights: dict[str, torch.Tensor]
    dice: Dice
    steps: int
    seconds: float
    curve: list[CurvePoint]
    trained_on: dict[str, str]
    limits: Limits


@dataclass
class Hooks:
    """What a training asks of its surroundings; each has a harmless default.

    ``validate(network, seconds)`` returns the Dice of each validation case that fits in the time.
    ``check_voxels`` says how many voxels the network passes over for each validation case, so that
    no check is begun that the time does not allow.
    ``refresh()`` returns the cases anew if labels have changed since it was last called.
    ``keep(state)`` stores an unfinished training.
    ``pauses`` lets more urgent work in between two steps; its clock is the training's own.
    """

    validate: Callable[[EncoderDecoder, float], Dice] | None = None
    check_voxels: Sequence[float] = ()
    refresh: Callable[[], Sequence[LabelledCase] | None] | None = None
    keep: Callable[[TrainingState], None] | None = None
    notice: Notice = no_notice
    progress: Progress = no_progress
    cancel: Cancel = field(default_factory=Cancel)
    pauses: Pauses = field(default_factory=Pauses)


def train(
    network: EncoderDecoder,
    plan: Plan,
    cases: Sequence[LabelledCase],
    budget: Budget,
    limits: Limits,
    *,
    seed: int,
    warm: bool,
    mixed: bool = False,
    threads: int = 1,
    loss: Loss | None = None,
    state: TrainingState | None = None,
    hooks: Hooks | None = None,
    synthetic: Sequence[LabelledCase] = (),
) -> TrainingOutcome:
    """Train ``network`` in place on ``cases`` and return the best weights.

    AdamW with a short warm-up and a polynomial decay (exponent 0.9) over the budget; Dice and
    cross-entropy over labelled voxels unless another ``loss`` of output and label is given.
    Batch i depends on ``seed`` and i alone, so a budget of steps repeats exactly on a CPU.
    ``synthetic`` cases are learnt from besides, and are no labels: ``TrainingOutcome.trained_on``
    does not know them.

    Raises:
        CancelledError: asked to stop; what was learnt went to ``hooks.keep``.
        TrainingDivergedError: the loss stays infinite or not a number.
        OutOfDeviceMemoryError: nothing fits.
    """
    batches = Batches(cases, plan, seed, synthetic)
    run = _Run(network, batches, budget, limits, warm, mixed, hooks or Hooks(), loss)
    run.trained_on = {c.name: c.label_hash for c in cases}
    if state is not None:
        run.resume(state)
    with torch.random.fork_rng(devices=[limits.device] if "cuda" in limits.device else []):
        torch.manual_seed(seed)
        # A GPU waits for patches; on the CPU more threads would only take its cores away.
        workers = 0 if limits.device == "cpu" else max(1, min(8, threads - 1))
        return run.go(workers)


class _Run:
    def __init__(
        self,
        network: EncoderDecoder,
        batches: Batches,
        budget: Budget,
        limits: Limits,
        warm: bool,
        mixed: bool,
        hooks: Hooks,
        loss: Loss | None,
    ) -> None:
        plan = batches.plan
        self.network = network.to(limits.device)
        if "cuda" in limits.device:
            network.to(memory_format=plan.memory_format)  # type: ignore[call-overload]
        self.plan = plan
        self.budget = budget
        self.limits = limits
        self.mixed = mixed
        self.hooks = hooks
        self.rate = WARM_LEARNING_RATE if warm else LEARNING_RATE
        self.batches = batches
        self.trained_on: dict[str, str] = {}
        self.loss: Loss = loss or MaskedDiceCELoss()
        self.optimiser = torch.optim.AdamW(
            network.parameters(), lr=self.rate, weight_decay=WEIGHT_DECAY, fused=self._fused
        )
        self.step = 0
        self.before = 0.0
        self.clock = hooks.pauses.now
        self.started = self.clock()
        self.curve: list[CurvePoint] = []
        self.best: tuple[float, Dice, dict[str, torch.Tensor]] | None = None
        self.bad_steps = 0
        self.losses: list[float] = []
        self.check_seconds = 0.0
        self.limited = False
        self.step_seconds: list[float] = []
        self.checked: tuple[int, bool] | None = None

    def resume(self, state: TrainingState) -> None:
        self.network.load_state_dict(state.weights)
        # A training may go on on another device than the one it began on.
        groups = [{**group, "fused": self._fused} for group in state.optimiser["param_groups"]]
        self.optimiser.load_state_dict({**state.optimiser, "param_groups": groups})
        self.step, self.before = state.step, state.elapsed
        self.trained_on = {**state.trained_on, **self.trained_on}

    @property
    def elapsed(self) -> float:
        return self.before + self.clock() - self.started

    @property
    def share(self) -> float:
        # The last check is part of the time that was given.
        return self.budget.share(self.step, self.elapsed + self.check_seconds)

    def go(self, workers: int) -> TrainingOutcome:
        try:
            self._learn(workers)
            self._check(final=True)
        except CancelledError:
            self._keep()
            raise
        weights = self.best[2] if self.best else _weights(self.network)
        dice = self.best[1] if self.best else {}
        return TrainingOutcome(
            weights, dice, self.step, self.elapsed, self.curve, self.trained_on, self.limits
        )

    def _learn(self, workers: int) -> None:
        checks = list(LAST_CHECKS)
        refreshed = kept = self.clock()
        with _Ahead(self.batches, workers) as ahead:
            while True:
                self.hooks.pauses.give_way()
                self.hooks.cancel.raise_if_cancelled()
                share = self.share
                if share >= 1.0 and self.step > 0:
                    break
                begun = self.clock()
                self._one_step(ahead, share)
                now = self.clock()
                self._set_time_aside(now - begun)
                if self.hooks.refresh and now - refreshed > REFRESH_SECONDS:
                    refreshed = now
                    self._refresh()
                if now - kept > KEEP_SECONDS:
                    kept = now
                    self._keep()
                if checks and share >= checks[0]:
                    while checks and share >= checks[0]:
                        checks.pop(0)
                    self._check(final=False)
                self._tell()

    def _set_time_aside(self, seconds: float) -> None:
        """Estimate the last check from the pace of the first steps, and keep its time free.

        A step goes forth over its batch and back, which costs about three passes.
        """
        if len(self.step_seconds) >= PACE_STEPS or not self.hooks.check_voxels:
            return
        self.step_seconds.append(seconds)
        if len(self.step_seconds) < PACE_STEPS or self.budget.seconds is None:
            return
        voxels = 3.0 * self.limits.batch * float(np.prod(self.plan.patch))
        pace = float(np.median(self.step_seconds)) / voxels
        whole = pace * sum(self.hooks.check_voxels)
        one = pace * self.hooks.check_voxels[0]
        total = self.budget.seconds
        self.limited = whole > total * CHECK_SHARE
        self.check_seconds = max(one, min(whole, total * FINAL_CHECK_SHARE))

    def _one_step(self, ahead: _Ahead, share: float) -> None:
        rate = self.rate * max(1e-3, 1.0 - share) ** 0.9 * min(1.0, (self.step + 1) / WARM_UP_STEPS)
        for group in self.optimiser.param_groups:
            group["lr"] = rate

        def work(limits: Limits) -> float:
            if limits != self.limits:
                self._move(limits)
            images, labels = ahead.take(self.step, limits)
            return self._update(images, labels)

        value, self.limits = with_less_memory(work, self.limits, self.hooks.notice)
        self.step += 1
        if np.isfinite(value):
            self.losses.append(value)
            self.bad_steps = 0
            return
        self.bad_steps += 1
        if self.bad_steps >= MOST_BAD_STEPS:
            raise TrainingDivergedError(
                f"The training diverged: the loss was not finite for {MOST_BAD_STEPS} steps.",
                remedy="The earlier model stays in use. Check the newest labels and images.",
            )

    def _move(self, limits: Limits) -> None:
        """Go on with smaller limits, perhaps on another device."""
        self.limits = limits
        self.network.to(limits.device)
        for state in self.optimiser.state.values():
            for name, value in state.items():
                if isinstance(value, torch.Tensor):
                    state[name] = value.to(limits.device)

    def _update(self, images: torch.Tensor, labels: torch.Tensor) -> float:
        self.network.train()
        device = torch.device(self.limits.device)
        images = images.to(device, non_blocking=True)
        labels = labels.to(device, non_blocking=True)
        if device.type == "cuda":
            images = images.contiguous(memory_format=self.plan.memory_format)
        self.optimiser.zero_grad(set_to_none=True)
        with torch.autocast(device.type, torch.bfloat16, enabled=self.mixed and not self._cpu):
            output = self.network(images)
        loss = self.loss(output, labels)
        value = float(loss.detach())
        if np.isfinite(value):
            loss.backward()
            weights, together = self.network.parameters(), True if self._cpu else None
            torch.nn.utils.clip_grad_norm_(weights, GRADIENT_NORM, foreach=together)
            self.optimiser.step()
        return value

    @property
    def _cpu(self) -> bool:
        return self.limits.device == "cpu"

    @property
    def _fused(self) -> bool | None:
        """Whether one pass updates all weights; elsewhere PyTorch chooses."""
        return True if self._cpu and FUSED_ON_CPU else None

    def _check(self, *, final: bool) -> None:
        """Validate, and keep the weights if they are the best so far."""
        if final and self.checked == (self.step, False):
            return  # The last check in between was a whole one of these very weights.
        loss = float(np.mean(self.losses)) if self.losses else None
        self.losses = []
        dice: Dice = {}
        if self.hooks.validate is not None and (final or not self.limited):
            self._tell("checking on validation cases")
            started = self.clock()
            total = self.budget.seconds or float("inf")
            # A check in between must not eat the time for learning; the last has its own share.
            share = FINAL_CHECK_SHARE if final else CHECK_SHARE
            dice = self.hooks.validate(self.network, total * share)
            # The check may have moved it, if the device had too little memory for one of both.
            self.network.to(self.limits.device)
            spent = self.clock() - started
            self.limited = spent > total * CHECK_SHARE
            self.check_seconds = total * FINAL_CHECK_SHARE if self.limited else spent
            self.checked = (self.step, self.limited)
        mean = float(np.mean(list(dice.values()))) if dice else None
        self.curve.append(CurvePoint(self.step, self.elapsed, loss, mean))
        if mean is None:
            return
        if self.best is None or len(dice) > len(self.best[1]) or mean >= self.best[0]:
            self.best = (mean, dice, _weights(self.network))

    def _refresh(self) -> None:
        assert self.hooks.refresh is not None
        cases = self.hooks.refresh()
        if cases:
            self.batches.replace_cases(cases)
            self.trained_on.update({c.name: c.label_hash for c in cases})

    def _keep(self) -> None:
        if self.hooks.keep is not None and self.step > 0:
            self.hooks.keep(
                TrainingState(
                    _weights(self.network),
                    copy.deepcopy(self.optimiser.state_dict()),
                    self.step,
                    self.elapsed,
                    dict(self.trained_on),
                )
            )

    def _tell(self, doing: str = "") -> None:
        recent = float(np.mean(self.losses[-20:])) if self.losses else None
        text = f"step {self.step}" + (f", loss {recent:.3f}" if recent is not None else "")
        data: dict[str, Any] = {"step": self.step, "loss": recent}
        if self.budget.seconds is not None:
            # Known, not estimated: the time was given.
            data["remaining_seconds"] = max(0.0, self.budget.seconds - self.elapsed)
        self.hooks.progress(min(self.share, 1.0), 1.0, doing or text, **data)


class _Ahead:
    """Takes the batches in order, made ahead by threads where the device would wait for them."""

    def __init__(self, batches: Batches, workers: int) -> None:
        self.batches = batches
        self.workers = workers
        self._pool = ThreadPoolExecutor(workers) if workers else None
        self._made: dict[tuple[int, int, int], Future[tuple[torch.Tensor, torch.Tensor]]] = {}

    def __enter__(self) -> _Ahead:
        return self

    def __exit__(self, *error: object) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)

    def take(self, index: int, limits: Limits) -> tuple[torch.Tensor, torch.Tensor]:
        if self._pool is None:
            return self.batches.draw(index, limits.batch, limits.halvings)
        for ahead in range(index, index + 2 * self.workers):
            key = (ahead, limits.batch, limits.halvings)
            if key not in self._made:
                self._made[key] = self._pool.submit(self.batches.draw, *key)
        taken = self._made[index, limits.batch, limits.halvings].result()
        self._made = {k: v for k, v in self._made.items() if k[0] > index}
        return taken


def _weights(network: EncoderDecoder) -> dict[str, torch.Tensor]:
    return {name: value.detach().cpu().clone() for name, value in network.state_dict().items()}
