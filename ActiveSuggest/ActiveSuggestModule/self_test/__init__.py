"""The scenarios of ``ActiveSuggestTest``: the module used as a person uses it, in a real Slicer.

They use the module's own panel, session and worker, with a tiny network on a few tiny volumes.
What a person has open is closed before (edits become drafts), and opened again at the end.
"""

from __future__ import annotations

from .runner import Result, run

__all__ = ["Result", "run"]
