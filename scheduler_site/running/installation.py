"""Defaults that an installation generates: a directory for its sockets, and SECRET_KEY."""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import tempfile
from pathlib import Path

from scheduler_site.lib import env


def short_directory(data: Path) -> Path:
    """A directory of our own with a short path: a socket's address holds 104 to 108 bytes (unix(7)).

    XDG_RUNTIME_DIR is often inherited from somebody else by sudo(8), and TMPDIR may be long: then /tmp.
    """
    name = f"belfry-{os.getuid()}-{hashlib.sha256(str(data).encode()).hexdigest()[:10]}"
    for parent in (env.text("XDG_RUNTIME_DIR"), tempfile.gettempdir()):
        if parent and len(os.fsencode(parent)) < 60 and os.access(parent, os.W_OK | os.X_OK):
            return Path(parent, name)
    return Path("/tmp", name)  # noqa: S108 - made with mode 0700, and refused when it belongs to somebody else


def secret_key(data: Path) -> str:
    """The key of an installation that was given none: made once, kept readable by its owner only."""
    path = data / "secret.key"
    if not path.exists():
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Written aside and linked: nobody sees half a key, and of two that start at once one wins.
        with tempfile.NamedTemporaryFile("w", dir=data, prefix=".key-") as draft:
            draft.write(secrets.token_urlsafe(50))
            draft.flush()
            with contextlib.suppress(FileExistsError):
                os.link(draft.name, path)
    return path.read_text(encoding="ascii").strip()
