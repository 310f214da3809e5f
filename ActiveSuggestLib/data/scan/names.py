"""Names: case names that are safe file names on every system, and how names are compared."""

from __future__ import annotations

import hashlib
import re
import unicodedata

LONGEST = 120
"""Bytes of a case name: a label's file name adds extensions to it and may hold 255."""

_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)


def safe_name(name: str) -> str:
    """Return ``name`` as a file name that Windows, macOS and Linux all take.

    Composed Unicode, no reserved signs or names, no dots or spaces at the ends, at most 120 bytes
    (a longer one keeps its start and gets eight digits of its hash).

    >>> safe_name("case 1: T1/FLAIR. ")
    'case 1_ T1_FLAIR'
    """
    name = unicodedata.normalize("NFC", name)
    name = re.sub(r'[<>:"/\\|?*\x00-\x1f\x7f]', "_", name)
    name = name.encode("utf-8", "replace").decode("utf-8").strip().rstrip(". ").lstrip(".")
    if not name:
        name = "case"
    if _RESERVED.fullmatch(name):
        name = f"{name}_"
    encoded = name.encode()
    if len(encoded) > LONGEST:
        digest = hashlib.blake2b(encoded, digest_size=4).hexdigest()
        start = encoded[: LONGEST - 9].decode("utf-8", "ignore").rstrip(". ")
        name = f"{start}-{digest}"
    return name


def key(name: str) -> str:
    """Return the form in which two file names are compared: safe, and without case."""
    return unicodedata.normalize("NFC", safe_name(name).casefold())


_LABEL_WORDS = (
    "segmentations?|seg|labels?|labelmap|lbl|masks?|gt|ground[_ -]?truth|annotations?|manual"
)
_LABEL_SUFFIX = re.compile(rf"(?:^|[_\-. ]+)(?:{_LABEL_WORDS})$", re.IGNORECASE)
_LABEL_PREFIX = re.compile(rf"^(?:{_LABEL_WORDS})[_\-. ]+(?=.)", re.IGNORECASE)
_IMAGE_PREFIX = re.compile(r"^(?:volume|vol|images?|img|scan)[_\-. ]+(?=.)", re.IGNORECASE)
_IMAGE_SUFFIX = re.compile(r"[_\-. ]+(?:volume|vol|images?|img|scan)$", re.IGNORECASE)


def without_label_words(stem: str) -> str:
    """Return a label's name without the words that say it is one.

    >>> without_label_words("case01_seg"), without_label_words("mask-7"), without_label_words("seg")
    ('case01', '7', '')
    """
    shorter = _LABEL_SUFFIX.sub("", stem)
    return shorter if shorter != stem else _LABEL_PREFIX.sub("", stem)


def without_image_words(stem: str) -> str:
    """Return an image's name without the words that say it is one (``volume-7`` gives ``7``)."""
    shorter = _IMAGE_SUFFIX.sub("", stem)
    return shorter if shorter != stem else _IMAGE_PREFIX.sub("", stem)
