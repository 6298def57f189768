"""The system checks are there when Django starts, without a test that imports them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from django.conf import settings


def test_an_unsafe_production_does_not_pass_its_checks(tmp_path: Path) -> None:
    unsafe = {"DEPLOYMENT": "production", "SECRET_KEY": "short", "DATA_DIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=settings.BASE_DIR,
        env=os.environ | unsafe,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 1
    assert "belfry.E002" in done.stderr
