"""``SampleData``: keeps what modules register."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import slicer


@dataclass
class SampleDataSource:
    """One data set that the Sample Data module offers."""

    sampleName: Any = None
    uris: Any = None
    fileNames: Any = None
    nodeNames: Any = None
    checksums: Any = None
    loadFiles: Any = None
    customDownloader: Any = None
    thumbnailFileName: Any = None
    loadFileTypes: Any = None
    loadFileProperties: Any = None


class SampleDataLogic:
    """Where modules register their data sets."""

    @staticmethod
    def registerCustomSampleDataSource(
        category: str = "Custom",
        sampleName: Any = None,
        uris: Any = None,
        fileNames: Any = None,
        nodeNames: Any = None,
        customDownloader: Any = None,
        thumbnailFileName: Any = None,
        loadFileTypes: Any = None,
        loadFiles: Any = None,
        loadFileProperties: Any = None,
        checksums: Any = None,
    ) -> None:
        """Offer a data set in a category."""
        sources = vars(slicer.modules).setdefault("sampleDataSources", {})
        sources.setdefault(category, []).append(
            SampleDataSource(
                sampleName,
                uris,
                fileNames,
                nodeNames,
                checksums,
                loadFiles,
                customDownloader,
                thumbnailFileName,
                loadFileTypes,
                loadFileProperties,
            )
        )
