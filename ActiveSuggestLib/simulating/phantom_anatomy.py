"""Made-up abdominal MR volumes that look like anatomy, with their true labels.

Lengths are millimetres about the volume's centre, ITK's LPS: x to the patient's left,
y to the back, z to the head. Arrays are (z, y, x). Drawing what varies (``draw_anatomy``,
``draw_scan``) stands apart from painting it (``render``), which is a pure function.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..data.geometry import Geometry
from ..data.segments import Segment

SEGMENTS = (
    Segment("liver", 1, (0.87, 0.52, 0.32)),
    Segment("spleen", 2, (0.45, 0.35, 0.80)),
    Segment("kidneys", 3, (0.20, 0.66, 0.60)),
)
COMMON, RARE = "common", "cirrhosis"
RARE_MEANING = (
    "a shrunken, nodular liver with fluid around it, a large spleen that is brighter than the "
    "liver, and cysts in the kidneys"
)

_FINE = 2  # samples a voxel edge; their mean gives the partial-volume effect
_SPACING = 6.0

Vector = tuple[float, float, float]


@dataclass(frozen=True)
class Anatomy:
    """What belongs to a patient and stays the same from scan to scan."""

    variant: str
    shape: tuple[int, int, int]
    body: tuple[float, float]  # half axes across and front to back
    fat: float  # thickness of the wall of fat and muscle, as a fraction of the body
    liver: float  # relative sizes
    spleen: float
    kidneys: float
    places: dict[str, Vector]  # how far an organ lies from its usual place
    tilts: dict[str, float]  # radians about the front-to-back axis
    hepatic_branches: tuple[tuple[Vector, Vector, float], ...]  # start, end, radius
    cysts: tuple[tuple[Vector, float], ...]  # centre, radius
    surface_seed: int  # the smooth fields that make no two organs alike
    warp: float  # size of the smooth displacement, in mm


@dataclass(frozen=True)
class Scan:
    """What changes from scan to scan: breath, contrast phase, coil, noise."""

    enhancement: float  # 0 before the contrast agent, 1 at its peak
    stomach: float  # signal of what was eaten
    gain: float
    noise: float
    bias: float
    breath: float  # mm, downwards
    scan_seed: int


@dataclass(frozen=True)
class Phantom:
    """A rendered scan: image int16 and label uint8, both (z, y, x)."""

    image: np.ndarray
    label: np.ndarray
    geometry: Geometry


# Random draws -----------------------------------------------------------------------------


def draw_anatomy(rng: np.random.Generator, variant: str = COMMON) -> Anatomy:
    """Draw a patient."""
    rare = variant == RARE

    def shift(size: float) -> Vector:
        x, y, z = rng.normal(0.0, size, 3)
        return float(x), float(y), float(z)

    places = {
        name: shift(size)
        for name, size in [
            ("liver", 5.0),
            ("spleen", 6.0),
            ("kidney_right", 6.0),
            ("kidney_left", 6.0),
            ("stomach", 9.0),
            ("vessels", 3.0),
        ]
    }
    tilts = {
        "liver": float(rng.normal(0.0, 0.10)),
        "kidney_right": float(0.20 + rng.normal(0.0, 0.12)),
        "kidney_left": float(-0.20 + rng.normal(0.0, 0.12)),
    }
    return Anatomy(
        variant=variant,
        shape=(
            40 + int(rng.integers(-2, 3)),
            48 + int(rng.integers(-1, 2)),
            56 + int(rng.integers(-2, 3)),
        ),
        body=(float(rng.uniform(138, 156)), float(rng.uniform(100, 116))),
        fat=float(rng.uniform(0.10, 0.22)),
        liver=float(rng.uniform(0.66, 0.76) if rare else rng.uniform(0.92, 1.12)),
        spleen=float(rng.uniform(1.35, 1.60) if rare else rng.uniform(0.85, 1.15)),
        kidneys=float(rng.uniform(0.88, 1.12)),
        places=places,
        tilts=tilts,
        hepatic_branches=_draw_branches(rng),
        cysts=_draw_cysts(rng) if rare else (),
        surface_seed=int(rng.integers(2**31)),
        warp=float(rng.uniform(5.0, 9.0)),
    )


def draw_scan(rng: np.random.Generator) -> Scan:
    """Draw the circumstances of one scan."""
    return Scan(
        enhancement=float(rng.uniform(0.25, 1.0)),
        stomach=float(rng.choice([0.12, 0.40, 0.62]) + rng.uniform(-0.04, 0.04)),
        gain=float(np.exp(rng.uniform(np.log(300.0), np.log(1500.0)))),
        noise=float(rng.uniform(0.025, 0.055)),
        bias=float(rng.uniform(0.10, 0.30)),
        breath=float(rng.uniform(-8.0, 8.0)),
        scan_seed=int(rng.integers(2**31)),
    )


def _draw_branches(rng: np.random.Generator) -> tuple[tuple[Vector, Vector, float], ...]:
    hilum = np.array([-28.0, 4.0, 12.0])
    branches = []
    for _ in range(5):
        towards = np.array([rng.uniform(-110, -15), rng.uniform(-55, 45), rng.uniform(-5, 65)])
        fork = hilum + (towards - hilum) * rng.uniform(0.4, 0.6) + rng.normal(0, 5, 3)
        branches.append((_vector(hilum), _vector(fork), float(rng.uniform(5.0, 6.5))))
        for _ in range(2):
            tip = towards + rng.normal(0, 16, 3)
            branches.append((_vector(fork), _vector(tip), float(rng.uniform(3.2, 4.5))))
    return tuple(branches)


def _draw_cysts(rng: np.random.Generator) -> tuple[tuple[Vector, float], ...]:
    cysts = []
    for side in (-1.0, 1.0):
        for _ in range(int(rng.integers(1, 4))):
            centre = (
                side * float(rng.uniform(60, 82)),
                float(rng.uniform(38, 66)),
                float(rng.uniform(-62, 4)),
            )
            cysts.append((centre, float(rng.uniform(12, 23))))
    return tuple(cysts)


def _vector(values: np.ndarray) -> Vector:
    return float(values[0]), float(values[1]), float(values[2])


def smooth_field(
    rng: np.random.Generator, shape: Sequence[int], knots: int = 5, size: float = 1.0
) -> np.ndarray:
    """Return a random smooth field of the shape: a cubic B-spline through normal knots."""
    field = rng.normal(0.0, 1.0, [knots + 2] * len(shape)).astype(np.float32)
    for length in shape:  # each turn brings the next axis last, so the result is contiguous
        field = np.moveaxis(field, 0, -1) @ _spline(length, knots).T
    return field * np.float32(size / max(float(field.std()), 1e-6))


def _spline(length: int, knots: int) -> np.ndarray:
    """Return the uniform cubic B-spline basis at ``length`` points, (length, knots + 2)."""
    position = np.linspace(0.0, knots - 1.0, length) + 1.0
    distance = np.abs(position[:, None] - np.arange(knots + 2)[None])
    near = 2 / 3 - distance**2 + distance**3 / 2
    far = np.clip(2 - distance, 0, None) ** 3 / 6
    return np.where(distance < 1, near, far).astype(np.float32)


# Rendering --------------------------------------------------------------------------------


class _Canvas:
    """The fine grid on which structures are painted one over another."""

    def __init__(self, anatomy: Anatomy, scan: Scan) -> None:
        self.shape = tuple(size * _FINE for size in anatomy.shape)
        patient = np.random.default_rng(anatomy.surface_seed)
        visit = np.random.default_rng(scan.scan_seed)
        step = _SPACING / _FINE
        z, y, x = (
            (np.arange(size, dtype=np.float32) - (size - 1) / 2) * step for size in self.shape
        )
        axes = [x[None, None, :], y[None, :, None], z[:, None, None]]
        bend = [smooth_field(patient, self.shape, 5, anatomy.warp) for _ in axes]
        again = [smooth_field(visit, self.shape, 4, 2.0) for _ in axes]
        self.x, self.y, self.z = (a + b + c for a, b, c in zip(axes, bend, again, strict=True))
        self.z = self.z + np.float32(scan.breath)
        self._patient = patient
        self.signal = np.zeros(self.shape, np.float32)
        self.label = np.zeros(self.shape, np.uint8)

    def bumps(self, size: float, knots: int = 8) -> np.ndarray:
        """Return a smooth field of the patient, to roughen a surface or a texture."""
        return smooth_field(self._patient, self.shape, knots, size)

    def ellipsoid(self, centre: Vector, radii: Vector, tilt: float = 0.0) -> np.ndarray:
        """Return the normalised radius: below 1 inside the ellipsoid."""
        x, y, z = self.x - centre[0], self.y - centre[1], self.z - centre[2]
        along, up = x * np.cos(tilt) + z * np.sin(tilt), z * np.cos(tilt) - x * np.sin(tilt)
        radius = (along / radii[0]) ** 2 + (y / radii[1]) ** 2 + (up / radii[2]) ** 2
        return np.sqrt(radius).astype(np.float32)

    def tube(self, start: Vector, end: Vector, radius: float) -> np.ndarray:
        """Return the mask of all points nearer to the line than the radius."""
        a, b = np.array(start, np.float32), np.array(end, np.float32)
        d = b - a
        p = [self.x - a[0], self.y - a[1], self.z - a[2]]
        t = np.clip((p[0] * d[0] + p[1] * d[1] + p[2] * d[2]) / float(d @ d), 0, 1)
        squared = (p[0] - t * d[0]) ** 2 + (p[1] - t * d[1]) ** 2 + (p[2] - t * d[2]) ** 2
        return np.asarray(squared < radius**2)

    def paint(self, mask: np.ndarray, signal: float | np.ndarray, label: int | None = None) -> None:
        """Set the signal inside the mask, and the label; ``None`` keeps the label."""
        self.signal = np.where(mask, np.float32(signal), self.signal)
        if label is not None:
            self.label[mask] = label


def render(anatomy: Anatomy, scan: Scan) -> Phantom:
    """Paint the patient as this scan shows it; the same arguments give the same voxels."""
    canvas = _Canvas(anatomy, scan)
    cavity, lung = _paint_trunk(canvas, anatomy)
    inside = cavity & ~lung
    _paint_gut(canvas, anatomy, scan, inside)
    _paint_spleen_and_liver(canvas, anatomy, scan, inside)
    _paint_kidneys(canvas, anatomy, scan, inside)
    _paint_spine_and_vessels(canvas, anatomy, scan)
    return _acquire(canvas, anatomy, scan)


def _at(anatomy: Anatomy, name: str, centre: Vector) -> Vector:
    shift = anatomy.places[name]
    return centre[0] + shift[0], centre[1] + shift[1], centre[2] + shift[2]


def _paint_trunk(canvas: _Canvas, anatomy: Anatomy) -> tuple[np.ndarray, np.ndarray]:
    """Paint skin, fat, muscle, ribs, lungs and heart; return the cavity and the lungs."""
    width, depth = anatomy.body
    x, y, z = canvas.x, canvas.y, canvas.z
    outline = (np.abs(x / width) ** 2.4 + np.abs(y / depth) ** 2.4) ** np.float32(1 / 2.4)
    wall = 1.0 - anatomy.fat
    cavity = outline < wall - 0.07
    fat = 0.30 + canvas.bumps(0.02, 12)
    canvas.paint(outline < 1.0, fat)
    canvas.paint(outline > 0.97, np.where(outline < 1.0, np.float32(0.42), canvas.signal))
    canvas.paint(outline < wall, 0.45)
    slope = np.sin(2 * np.pi * (z + 0.45 * y + 0.10 * np.abs(x)) / 34.0)
    ribs = (outline > wall - 0.075) & (outline < wall - 0.015) & (slope > 0.45) & (z > -55)
    canvas.paint(ribs & (y < 62), 0.24)
    canvas.paint(cavity, fat - 0.02)
    domes = np.maximum(
        72 - 62 * (((x + 62) / 78) ** 2 + ((y + 4) / 78) ** 2),
        62 - 62 * (((x - 66) / 76) ** 2 + ((y + 4) / 78) ** 2),
    )
    lung = cavity & (z > domes)
    canvas.paint(lung, 0.06 + np.abs(canvas.bumps(0.02, 14)))
    heart = canvas.ellipsoid((22, -32, 104), (56, 44, 46), 0.3)
    canvas.paint(cavity & (heart < 1), 0.52)
    canvas.paint(cavity & (heart < 0.72), 0.80)
    if anatomy.variant == RARE:
        ascites = canvas.ellipsoid((0, -16, -10), (width * 0.88, depth * 0.72, 96))
        canvas.paint(cavity & ~lung & (ascites < 1), 0.14)
    return cavity, lung


def _paint_gut(canvas: _Canvas, anatomy: Anatomy, scan: Scan, inside: np.ndarray) -> None:
    loops = canvas.bumps(1.0, 11)
    region = inside & (canvas.z < 2 + canvas.bumps(6.0, 4)) & (canvas.y < 28)
    if anatomy.variant == RARE:
        region &= canvas.ellipsoid((0, -22, -50), (72, 46, 62)) < 1
    canvas.paint(region & (np.abs(loops) < 0.75), 0.48)
    canvas.paint(region & (np.abs(loops) < 0.45), 0.34)
    canvas.paint(region & (np.abs(loops) < 0.10), 0.16)
    centre = _at(anatomy, "stomach", (56, -42, 22))
    stomach = canvas.ellipsoid(centre, (44, 34, 36), -0.4) + canvas.bumps(0.06)
    canvas.paint(inside & (stomach < 1), 0.52)
    canvas.paint(inside & (stomach < 0.84), scan.stomach)
    gas = canvas.y < centre[1] - 12  # gas rises to the front of a patient on the back
    canvas.paint(inside & (stomach < 0.84) & gas, 0.05)


def _paint_spleen_and_liver(
    canvas: _Canvas, anatomy: Anatomy, scan: Scan, inside: np.ndarray
) -> None:
    rare = anatomy.variant == RARE
    size = anatomy.spleen
    centre = _at(anatomy, "spleen", (92, 34, 20))
    spleen = canvas.ellipsoid(centre, (33 * size, 44 * size, 46 * size), -0.2)
    inner = (centre[0] - 36 * size, centre[1] - 24, centre[2] - 4)
    hollow = canvas.ellipsoid(inner, (32, 34, 38))
    mask = inside & (spleen + canvas.bumps(0.07) < 1) & (hollow > 1)
    signal = (0.66 if rare else 0.42) + 0.18 * scan.enhancement
    canvas.paint(mask, signal + canvas.bumps(0.02, 16), 2)

    size, tilt = anatomy.liver, anatomy.tilts["liver"]
    right = canvas.ellipsoid(
        _at(anatomy, "liver", (-66, -4, 16)), (72 * size, 78 * size, 66 * size), tilt
    )
    left = canvas.ellipsoid(
        _at(anatomy, "liver", (6, -46, 34)), (70 * size, 34 * size, 27 * size), tilt - 0.15
    )
    shape = np.minimum(right, left * 0.98 + 0.02) + canvas.bumps(0.06)
    if rare:
        shape = shape + canvas.bumps(0.08, 16)
    mask = inside & (shape < 1)
    signal = (0.40 if rare else 0.56) + 0.10 * scan.enhancement
    canvas.paint(mask, signal + canvas.bumps(0.05 if rare else 0.015, 18), 1)
    vessel = 0.44 + 0.46 * scan.enhancement
    for start, end, radius in anatomy.hepatic_branches:
        canvas.paint(mask & canvas.tube(start, end, radius), vessel)
    gallbladder = canvas.ellipsoid((-34, -38, -12), (12, 18, 20), 0.3)
    canvas.paint(inside & (gallbladder < 1) & (not rare), 0.18, 0)


def _paint_kidneys(canvas: _Canvas, anatomy: Anatomy, scan: Scan, inside: np.ndarray) -> None:
    size = anatomy.kidneys
    cortex = 0.48 + 0.42 * scan.enhancement
    medulla = 0.44 + 0.18 * scan.enhancement
    for name, side, height in [("kidney_right", -1.0, -34.0), ("kidney_left", 1.0, -22.0)]:
        centre = _at(anatomy, name, (side * 62, 50, height))
        radii = (25 * size, 27 * size, 48 * size)
        radius = canvas.ellipsoid(centre, radii, anatomy.tilts[name]) + canvas.bumps(0.05)
        hilum = canvas.ellipsoid((centre[0] - side * 24, centre[1] - 8, centre[2]), (16, 13, 17))
        around = canvas.ellipsoid(centre, (radii[0] + 9, radii[1] + 8, radii[2] + 9))
        canvas.paint(inside & (around < 1), 0.27, 0)  # the capsule of fat
        kidney = inside & (radius < 1) & (hilum > 1)
        canvas.paint(kidney, cortex, 3)
        canvas.paint(kidney & (radius < 0.66), medulla)
        canvas.paint(kidney & (radius < 0.30), 0.30)
    for centre, cyst_radius in anatomy.cysts:
        ball = canvas.ellipsoid(centre, (cyst_radius, cyst_radius, cyst_radius))
        canvas.paint(inside & (ball < 1), 0.10, 3)


def _paint_spine_and_vessels(canvas: _Canvas, anatomy: Anatomy, scan: Scan) -> None:
    x, y, z = canvas.x, canvas.y, canvas.z
    back = anatomy.body[1] * (1 - anatomy.fat) - 34
    muscle = ((np.abs(x) - 30) / 27) ** 2 + ((y - back - 8) / 22) ** 2 < 1
    psoas = (((np.abs(x) - 34) / 15) ** 2 + ((y - back + 12) / 17) ** 2 < 1) & (z < -10)
    canvas.paint(muscle | psoas, 0.45 + canvas.bumps(0.02, 14), 0)
    vertebra = (x / 25) ** 2 + ((y - back + 6) / 19) ** 2 < 1
    disc = np.sin(2 * np.pi * z / 36.0) > 0.80
    canvas.paint(vertebra, np.where(disc, np.float32(0.26), np.float32(0.40)), 0)
    canvas.paint((np.abs(x) < 13) & (np.abs(y - back - 22) < 12), 0.24, 0)
    canvas.paint((x / 9) ** 2 + ((y - back - 20) / 8) ** 2 < 1, 0.15, 0)
    canvas.paint((np.abs(x) < 3.5) & (y > back + 32) & (y < back + 44), 0.26, 0)
    shift = anatomy.places["vessels"]
    blood = 0.40 + 0.58 * scan.enhancement
    front = back - 36
    aorta = ((x - 14 - shift[0]) / 11) ** 2 + ((y - front) / 11) ** 2 < 1
    cava = ((x + 20 - shift[1]) / 14) ** 2 + ((y - front + 2) / 10) ** 2 < 1
    canvas.paint(aorta, blood, 0)
    canvas.paint(cava & (z < 66), 0.9 * blood, 0)


def _acquire(canvas: _Canvas, anatomy: Anatomy, scan: Scan) -> Phantom:
    """Average to voxels, add the coil's bias field and Rician noise, and digitise."""
    rng = np.random.default_rng([scan.scan_seed, 1])
    signal = _block_mean(canvas.signal)
    shares = [_block_mean((canvas.label == s.value).astype(np.float32)) for s in SEGMENTS]
    stacked = np.stack([1.0 - np.sum(shares, axis=0), *shares])
    values = np.array([0, *(s.value for s in SEGMENTS)], np.uint8)
    label = values[np.argmax(stacked, axis=0)]
    signal = signal * np.exp(smooth_field(rng, signal.shape, 3, scan.bias))
    real, imaginary = rng.normal(0.0, scan.noise, (2, *signal.shape))
    image = np.hypot(signal + real, imaginary) * scan.gain
    z, y, x = anatomy.shape
    geometry = Geometry(
        size=(x, y, z),
        spacing=(_SPACING, _SPACING, _SPACING),
        origin=(-(x - 1) / 2 * _SPACING, -(y - 1) / 2 * _SPACING, -(z - 1) / 2 * _SPACING),
    )
    return Phantom(np.clip(image, 0, 32767).astype(np.int16), label, geometry)


def _block_mean(fine: np.ndarray) -> np.ndarray:
    z, y, x = (size // _FINE for size in fine.shape)
    return fine.reshape(z, _FINE, y, _FINE, x, _FINE).mean(axis=(1, 3, 5))
