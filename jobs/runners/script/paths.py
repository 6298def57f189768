"""Scripts that are named by a path: only below the directories that the operator allows."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings
from django.utils.translation import gettext as _


class PathRefused(ValueError):
    """Why a script may not be run from there."""


def allowed(path: str) -> Path:
    """The file itself, all links resolved. Asked at save and again before a run, for links can change.

    Raises PathRefused for what lies outside SCRIPT_DIRECTORIES, and for what is no file on this host.
    """
    if "\0" in path or not Path(path).is_absolute():
        raise PathRefused(_("Enter the absolute path of the script."))
    try:
        found = Path(path).resolve()
        roots = [Path(root).resolve() for root in settings.SCRIPT_DIRECTORIES]
        inside = any(found.is_relative_to(root) for root in roots)
        is_file = inside and found.is_file()
    except (OSError, RuntimeError) as problem:  # a loop of links, a name that is too long
        raise PathRefused(_("File not found: %(path)s.") % {"path": path}) from problem
    if not roots:
        raise PathRefused(_("Scripts cannot be given by path: SCRIPT_DIRECTORIES is not set."))
    if not inside:
        text = _("Scripts must be in one of these directories: %(directories)s.")
        raise PathRefused(text % {"directories": ", ".join(settings.SCRIPT_DIRECTORIES)})
    if not is_file:
        raise PathRefused(_("File not found: %(path)s.") % {"path": path})
    return found
