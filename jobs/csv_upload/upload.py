"""The file of a request: at most BULK_UPLOAD_MAX_BYTES, refused by its length before any of it is read."""

from __future__ import annotations

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest
from django.utils.translation import gettext as _

# The other fields of the form, and what multipart/form-data puts between them.
OVERHEAD = 64 * 1024


class TooLarge(Exception):
    """The text says how large a file may be."""

    def __init__(self) -> None:
        limit = settings.BULK_UPLOAD_MAX_BYTES
        super().__init__(_("The file is larger than %(limit)d bytes.") % {"limit": limit})


def refuse_large(request: HttpRequest) -> None:
    """Raises TooLarge, by what the request says of its length."""
    declared = str(request.META.get("CONTENT_LENGTH") or "0")
    if not declared.isdecimal() or int(declared[:20]) > settings.BULK_UPLOAD_MAX_BYTES + OVERHEAD:
        raise TooLarge


def content(file: UploadedFile[bytes]) -> bytes:
    """All bytes of an uploaded file; raises TooLarge."""
    if (file.size or 0) > settings.BULK_UPLOAD_MAX_BYTES:
        raise TooLarge
    data: bytes = file.read()
    return data
