"""Sentry's ThreadingIntegration gives each thread a scope of its own, and a run in threads keeps it."""

import subprocess
import sys
from pathlib import Path

PROGRAM = Path(__file__).parent / "programs" / "sentry_in_threads.py"


def test_records_in_threads_do_not_share_sentry_s_scope() -> None:
    ran = subprocess.run([sys.executable, PROGRAM], capture_output=True, text=True, timeout=120, check=False)
    assert (ran.stdout, ran.returncode) == ("True 2\n", 0), ran.stderr
