"""Static files as they are served: under names with a digest, compressed once, and not more thoroughly than it is worth."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

import brotli
from whitenoise.compress import Compressor
from whitenoise.storage import CompressedManifestStaticFilesStorage

# Of 11. The last two levels save a twentieth of the bytes and take ten times as long as the others together.
QUALITY = 9
# What pages name has a digest; what nobody names by its own name, and maps for debuggers, is served as it is.
_SERVED = re.compile(r"\.[0-9a-f]{12}\.(?!map$)[^./]+$")


class QuickCompressor(Compressor):  # type: ignore[misc]
    """With brotli and gzip, as its base."""

    @staticmethod
    def compress_brotli(data: bytes) -> bytes:
        return bytes(brotli.compress(data, quality=QUALITY))


class StaticStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]
    """Compresses what pages name."""

    def create_compressor(self, **kwargs: Any) -> Compressor:
        return QuickCompressor(**kwargs)

    def compress_files(self, paths: Iterable[str]) -> Iterator[tuple[str, str]]:
        yield from super().compress_files([path for path in paths if _SERVED.search(path)])
