"""How the processor's threads wait for each other."""

from __future__ import annotations

import os

# GNU's OpenMP counts rounds of spinning, Intel's and LLVM's milliseconds.
SHORT_WAITS = {"GOMP_SPINCOUNT": "1000", "KMP_BLOCKTIME": "1"}


def share_the_processor() -> None:
    """Let idle OpenMP threads spin only briefly, then sleep; call it before torch is loaded.

    By default they spin on, for the next piece of work to begin a little sooner. Where another
    program wants the same cores, a viewer in which someone is drawing or a second training, the
    spinning threads take the time that the working ones need: two trainings at once were seen to
    take four times as long as need be. Sleeping at once would cost a training that is alone a
    quarter of its pace; a short spin costs it nothing. What the person has set already is kept.
    """
    if "OMP_WAIT_POLICY" in os.environ:
        return
    for name, value in SHORT_WAITS.items():
        os.environ.setdefault(name, value)
