"""The file of a request: at most BULK_UPLOAD_MAX_BYTES, refused by its length before any of it is read."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods

from accounts.pages.request import PageRequest

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


def limited(view: Callable[[PageRequest], HttpResponse]) -> Callable[[PageRequest], HttpResponse]:
    """A page that takes a file: 413 for one that is too large, before the look for the CSRF token reads the whole body."""
    guarded = csrf_protect(login_required(view))

    @csrf_exempt
    @require_http_methods(["GET", "POST"])
    def limiting(request: PageRequest) -> HttpResponse:
        try:
            refuse_large(request)
        except TooLarge as problem:
            return HttpResponse(f"{problem}\n", status=413, content_type="text/plain; charset=utf-8")
        return guarded(request)

    return limiting


def content(file: UploadedFile[bytes]) -> bytes:
    """All bytes of an uploaded file; raises TooLarge."""
    if (file.size or 0) > settings.BULK_UPLOAD_MAX_BYTES:
        raise TooLarge
    data: bytes = file.read()
    return data
