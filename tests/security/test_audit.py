"""The audit of the locks: what is not known to be clean is never called clean."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.security import audit
from tests.security.audit import CLEAN, LOCK, NOT_DONE, ROOT, VULNERABLE, ask, judge

_ADVISORY = {"id": "PYSEC-2026-1", "aliases": ["CVE-2026-1"], "fix_versions": ["2.1"], "description": "…"}
_KNOWN = {"name": "one", "version": "1.0", "vulns": []}
_HIT = {"name": "two", "version": "2.0", "vulns": [_ADVISORY]}
_UNKNOWN = {"name": "three", "skip_reason": "Dependency not found"}


def _answer(*packages: dict[str, Any]) -> str:
    return json.dumps({"dependencies": packages, "fixes": []})


def test_all_known_and_nothing_against_them_is_clean() -> None:
    verdict = judge(_answer(_KNOWN), "")
    assert (verdict.code, *verdict.lines) == (CLEAN, "1 packages, no known vulnerability.")


def test_a_vulnerability_is_told_with_the_version_that_mends_it() -> None:
    verdict = judge(_answer(_KNOWN, _HIT, _UNKNOWN), "Found 1 known vulnerability")
    assert verdict.code == VULNERABLE
    assert verdict.lines[0] == "two 2.0: PYSEC-2026-1 CVE-2026-1, fixed in 2.1"


def test_an_advisory_that_does_not_concern_us_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(audit.IGNORED, "CVE-2026-1", "We never call it.")
    assert judge(_answer(_HIT), "").code == CLEAN


def test_what_the_service_does_not_know_is_not_clean() -> None:
    verdict = judge(_answer(_KNOWN, _UNKNOWN), "No known vulnerabilities found")
    assert verdict.code == NOT_DONE
    assert verdict.lines[0].startswith("NOT DONE for 1 of 2 packages")


def test_a_service_that_cannot_be_reached_is_one_clear_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CACHE_DIR", str(tmp_path))
    verdict = ask()
    assert verdict.code == NOT_DONE
    (line,) = verdict.lines
    assert line.startswith("NOT DONE, the advisory service cannot be reached: ")


def test_the_audited_lock_holds_all_that_is_shipped() -> None:
    def pins(lock: Path) -> set[str]:
        return {line.split(" ", 1)[0] for line in lock.read_text().splitlines() if "==" in line}

    assert pins(ROOT / "requirements.lock") <= pins(LOCK)
