"""What Belfry is made of, and what is known against it: `python deploy/supply_chain.py sbom|audit`.

sbom    writes a bill of materials of what is installed (CycloneDX 1.6, JSON) to var/sbom.cdx.json
audit   asks for known vulnerabilities of the same packages; ends with 1 where there are any, and names the packages of which
        the advisory service knows nothing

The tools (requirements-audit.txt) live in an environment of their own, which is made when it is missing. Without access to the
package index or to the advisory service a line "skipped, ..." says so, and nothing has failed.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
TOOLS = ROOT / ".venv-audit"
WANTED = ROOT / "requirements-audit.txt"
SBOM = ROOT / "var" / "sbom.cdx.json"
SECONDS = 180


def main(what: str) -> int:
    try:
        prepare()
        return {"sbom": sbom, "audit": audit}[what]()
    except (OSError, subprocess.SubprocessError) as problem:
        return skipped(what, str(problem))


def prepare() -> None:
    """Raises OSError or SubprocessError where the tools cannot be had."""
    mark = TOOLS / "installed"
    if mark.exists() and mark.read_text(encoding="utf-8") == WANTED.read_text(encoding="utf-8"):
        return
    run(sys.executable, "-m", "venv", str(TOOLS))
    run(str(TOOLS / "bin" / "pip"), "install", "--quiet", "--requirement", str(WANTED))
    mark.write_text(WANTED.read_text(encoding="utf-8"), encoding="utf-8")


def sbom() -> int:
    SBOM.parent.mkdir(exist_ok=True)
    tool = str(TOOLS / "bin" / "cyclonedx-py")
    options = ["--spec-version", "1.6", "--output-format", "JSON", "--output-file", str(SBOM)]
    run(tool, "environment", *options, str(ROOT / ".venv" / "bin" / "python"))
    parts = json.loads(SBOM.read_text(encoding="utf-8")).get("components", [])
    print(f"{SBOM.relative_to(ROOT)}: {len(parts)} components")
    return 0


def audit() -> int:
    (packages,) = (ROOT / ".venv" / "lib").glob("python3*/site-packages")
    tool = str(TOOLS / "bin" / "pip-audit")
    options = ["--progress-spinner", "off", "--timeout", "10", "--format", "json"]
    done = subprocess.run(
        [tool, "--path", str(packages), *options],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    return judged(done.stdout, done.stderr)


def judged(answer: str, errors: str) -> int:
    """By what pip-audit answered: its exit code is the same for a vulnerability and for a service that is away."""
    try:
        packages = json.loads(answer)["dependencies"]
    except (ValueError, KeyError, TypeError):
        return skipped("audit", errors)
    asked = [one for one in packages if "vulns" in one]
    unknown = [one for one in packages if "vulns" not in one]
    if unknown:
        skipped("audit", left_out(unknown, len(packages)))
    found = [(one, known) for one in asked for known in one["vulns"]]
    for one, known in found:
        fixed = ", ".join(known.get("fix_versions", [])) or "no version"
        print(f"{one['name']} {one['version']}: {known['id']}, fixed in {fixed}")
    if asked:
        print(f"{len(asked)} of {len(packages)} packages were audited, {len(found)} known vulnerabilities")
    return 1 if found else 0


def left_out(unknown: list[dict[str, Any]], count: int) -> str:
    """Which packages nothing is known of. All of them: the index that answers has no advisories, as most mirrors have none."""
    if len(unknown) == count:
        return f"the index has no advisories for any of the {count} packages ({unknown[0].get('skip_reason', 'no reason')})"
    names = ", ".join(str(one["name"]) for one in unknown)
    return f"nothing is known of {len(unknown)} of {count} packages, the others were audited: {names}"


def skipped(what: str, why: str) -> int:
    last = why.strip().splitlines()[-1:] or ["no answer"]
    print(f"skipped, {what}: {last[0][:1000]}")
    return 0


def run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, timeout=SECONDS)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
