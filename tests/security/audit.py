"""`make audit`: asks whether anything in the locks has a known vulnerability.

pip-audit asks; here its answer is judged, because it calls a package clean that the advisory service does not know,
which is every package where a mirror stands between. It decides about a release, not about a commit: `.ci/run` shows
what it says and goes on, or an advisory of tomorrow would turn yesterday's commit red.
"""

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parents[2]
LOCK: Final = ROOT / "requirements-dev.lock"
"""Holds everything of requirements.lock too, in the same versions."""

IGNORED: Final[dict[str, str]] = {}
"""The id of an advisory, and why it does not concern us."""

CLEAN, VULNERABLE, NOT_DONE = 0, 1, 3
_PATIENCE: Final = 180.0


@dataclass(frozen=True, slots=True)
class Verdict:
    code: int
    lines: Sequence[str]


def judge(answer: str, error: str) -> Verdict:
    """What pip-audit said, as JSON on stdout and in words on stderr."""
    try:
        packages: list[dict[str, Any]] = json.loads(answer)["dependencies"]
    except ValueError:
        reason = error.strip().splitlines()[-1:] or ["no answer"]
        return Verdict(NOT_DONE, [f"NOT DONE, the advisory service cannot be reached: {reason[0][:200]}"])
    unknown = [package for package in packages if "skip_reason" in package]
    found = [
        f"{package['name']} {package['version']}: {one['id']} {' '.join(one['aliases'])}, "
        f"fixed in {', '.join(one['fix_versions']) or 'no version yet'}"
        for package in packages
        for one in package.get("vulns", ())
        if not {one["id"], *one["aliases"]} & set(IGNORED)
    ]
    lines = [*found]
    if unknown:
        lines.append(
            f"NOT DONE for {len(unknown)} of {len(packages)} packages, which the advisory service does not know."
        )
    if found:
        lines.append(f"{len(found)} known vulnerabilities.")
        return Verdict(VULNERABLE, lines)
    if unknown:
        return Verdict(NOT_DONE, lines)
    return Verdict(CLEAN, [f"{len(packages)} packages, no known vulnerability."])


def ask(lock: Path = LOCK) -> Verdict:
    words = (sys.executable, "-m", "pip_audit", "--requirement", lock, "--disable-pip", "--require-hashes")
    how = ("--progress-spinner", "off", "--timeout", "5", "--format", "json", "--desc", "off")
    try:
        done = subprocess.run(
            (*words, *how), capture_output=True, text=True, timeout=_PATIENCE, check=False, cwd=ROOT
        )
    except subprocess.TimeoutExpired:
        return judge("", f"no answer within {_PATIENCE:.0f} s")
    return judge(done.stdout, done.stderr)


def main() -> int:
    verdict = ask()
    for line in verdict.lines:
        sys.stdout.write(f"audit: {line}\n")
    return verdict.code


if __name__ == "__main__":
    sys.exit(main())
