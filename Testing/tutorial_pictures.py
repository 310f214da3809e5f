"""The README's tutorial pictures: the names the test gives them, and the way into Resources.

    ACTIVESUGGEST_TUTORIAL_SECONDS=120 python -m pytest Testing/Python/module/test_tutorial.py
    python Testing/tutorial_pictures.py

The first makes the pictures in Testing/Artefacts (the seconds are those of each training: more give
better proposals), the second copies them to Resources/Screenshots.
"""

from __future__ import annotations

import shutil
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
ARTEFACTS = REPOSITORY / "Testing" / "Artefacts"
SCREENSHOTS = REPOSITORY / "Resources" / "Screenshots"
PICTURES = ("tutorial-suggest.png", "tutorial-edit.png", "tutorial-learn.png")


def main() -> int:
    """Copy the pictures; 1 if the tests have not made them all."""
    missing = [name for name in PICTURES if not (ARTEFACTS / name).is_file()]
    if missing:
        print(f"Not made yet: {', '.join(missing)}. Run Testing/Python/module/test_tutorial.py.")
        return 1
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    for name in PICTURES:
        shutil.copyfile(ARTEFACTS / name, SCREENSHOTS / name)
        print(SCREENSHOTS / name)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
