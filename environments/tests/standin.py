"""A stand-in for environments/operations/child.py: writes down packages instead of installing them.

Packages whose names say so make it slow, deaf to TERM, broken, or end without a word.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from environments import home_directory
from environments.backends import prefixes, validators


def say(**said: Any) -> None:
    sys.stdout.write(json.dumps(said) + "\n")
    sys.stdout.flush()


def parent_gone() -> None:
    sys.stdin.buffer.read()
    os.killpg(0, signal.SIGKILL)


def listed(prefix: Path) -> list[dict[str, str]]:
    return [asdict(package) for package in prefixes.packages(prefix)]


def write(prefix: Path, specs: list[str]) -> None:
    """These packages and no others."""
    library = prefix / "lib/python3.11/site-packages"
    shutil.rmtree(library, ignore_errors=True)
    library.mkdir(parents=True)
    for name in {validators.spec(text, conda=False).name for text in specs}:
        (library / f"{name}-1.0.dist-info").mkdir()
        (library / f"{name}-1.0.dist-info/METADATA").write_text(f"Name: {name}\nVersion: 1.0\n")


def described(prefix: Path, version: str) -> dict[str, Any]:
    disk = {"total": 4096, "shared": 1024}
    return {"python_version": version, "packages": listed(prefix), "disk": disk}


def keep(prefix: Path, home: Path) -> None:
    (home / "before").write_text(json.dumps([one["name"] for one in listed(prefix)]))


def mend(prefix: Path, home: Path) -> None:
    undone = (home / "before").exists()
    if undone:
        write(prefix, json.loads((home / "before").read_text()))
        (home / "before").unlink()
    if "hopeless" in [one["name"] for one in listed(prefix)]:
        say(failed={"text": "no Python starts", "broken": True})
        return
    say(
        done={
            "exists": home_directory.read(home) is not None,
            "undone": undone,
            **described(prefix, "3.11.7"),
        }
    )


def misbehave(specs: list[str], prefix: Path) -> None:
    if "missing" in specs:
        details = ["There is no package named missing."]
        say(
            failed={
                "text": "No candidates were found for missing *.",
                "packages": ["missing"],
                "details": details,
            }
        )
        os._exit(0)
    if "mute" in specs:
        sys.stderr.write("Traceback: mute\n")
        sys.stderr.flush()
        os._exit(3)
    if "half" in specs:
        write(prefix, ["half"])
        say(failed={"text": "half of it is there", "broken": True})
        os._exit(0)
    if "touched" in specs:
        write(prefix, ["touched"])
        specs.append("slow")
    if "hopeless" in specs:
        write(prefix, ["hopeless"])
        (prefix.parent / "before").unlink()
        specs.append("slow")
    if "deaf" in specs:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        subprocess.Popen(["sleep", "300"], start_new_session=False)
        specs.append("slow")
    if "slow" in specs:
        say(progress="working")
        time.sleep(300)


def main() -> None:
    request = json.loads(sys.stdin.readline())
    threading.Thread(target=parent_gone, daemon=True).start()
    prefix, home, specs = Path(request["prefix"]), Path(request["home"]), list(request["specs"])
    match request["action"]:
        case "packages":
            say(done={"packages": listed(prefix)})
        case "mend":
            mend(prefix, home)
        case "available":
            say(
                done={
                    "reason": ""
                    if request["backend"] == "pypi"
                    else "https://conda.example.com does not answer."
                }
            )
        case "python_versions":
            say(done={"versions": ["3.12", "3.11"]})
        case "discover":
            say(done={"found": []})
        case "describe":
            say(done=described(prefix, "3.9.1"))
        case "create":
            prefix.mkdir(parents=True)
            say(progress=f"create {' '.join(specs)}")
            misbehave(specs, prefix)
            write(prefix, specs)
            version = f"{request['python'] or '3.11'}.7"
            home_directory.write(
                home, home_directory.Description("pypi", str(prefix), str(prefix / "bin/python"), version)
            )
            say(done=described(prefix, version))
        case "install" | "update":
            keep(prefix, home)
            say(progress=f"{request['action']} {' '.join(specs)}")
            misbehave(specs, prefix)
            write(prefix, [one["name"] for one in listed(prefix)] + specs)
            (home / "before").unlink()
            say(done=described(prefix, "3.11.7"))
        case "remove":
            write(prefix, [one["name"] for one in listed(prefix) if one["name"] not in specs])
            say(done=described(prefix, "3.11.7"))
        case "delete":
            say(done={})
    os._exit(0)


main()
