"""What can go wrong between the case and the scene."""

from __future__ import annotations

from ActiveSuggestLib.errors import ActiveSuggestError


class SceneError(ActiveSuggestError):
    """The case cannot be shown, or what is shown cannot be read."""


class NoCaseShownError(SceneError):
    """No case is in the scene."""


class CaseNotShownError(SceneError):
    """A file of the case cannot be put into the scene."""


class SegmentationUnusableError(SceneError):
    """The segmentation no longer holds voxels that belong to the case's image."""
