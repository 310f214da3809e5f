"""The module's parameters: kept in the scene's parameter node and bound to the panel."""

from enum import Enum
from typing import Annotated

from slicer.i18n import tr as _
from slicer.parameterNodeWrapper import WithinRange, parameterNodeWrapper


class Unit(Enum):
    """What is suggested and labelled at a time."""

    VOLUME = "volume"
    SLICE = "slice"
    MIXED = "mixed"

    def label(self) -> str:
        """Return what the panel's list shows."""
        return {
            Unit.VOLUME: _("whole volumes"),
            Unit.SLICE: _("single slices"),
            Unit.MIXED: _("volumes and slices"),
        }[self]


@parameterNodeWrapper
class Parameters:
    """What the user chose in the panel.

    ``strategy`` by name; ``trainSeconds`` is the longest a training may take.
    """

    strategy: str = "default"
    unit: Unit = Unit.VOLUME
    count: Annotated[int, WithinRange(1, 50)] = 5
    overlayVisible: bool = True  # noqa: N815 - the names stand in Slicer's scene file
    overlayOpacity: Annotated[float, WithinRange(0.0, 1.0)] = 0.5  # noqa: N815
    trainAfterSave: bool = True  # noqa: N815
    trainSeconds: Annotated[int, WithinRange(5, 36000)] = 120  # noqa: N815
    rankAfterTraining: bool = True  # noqa: N815
