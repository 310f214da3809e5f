"""How the processor's threads wait for each other."""

from __future__ import annotations

import os


def share_the_processor() -> None:
    """Let idle OpenMP threads sleep instead of spinning; call it before torch is loaded.

    By default they spin, for the next piece of work to begin a little sooner. Where another
    program wants the same cores, a viewer in which someone is drawing or a second training, the
    spinning threads take the time that the working ones need: passes were seen to take ten to forty
    times as long. What the person has set already is kept.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
