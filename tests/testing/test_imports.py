"""What `batchfold.testing` imports, and what it says when Hypothesis is missing."""

import subprocess
import sys

_WITHOUT_HYPOTHESIS = """
import sys
sys.modules["hypothesis"] = None
"""


def run(program: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)


def test_builders_and_model_work_without_hypothesis() -> None:
    program = _WITHOUT_HYPOTHESIS + (
        "from batchfold.testing import SqsQueue, drain, sqs_event\n"
        "sqs_event('a')\n"
        "drain(lambda effect: lambda event, context: None, source=SqsQueue(), records=['A1'])\n"
    )
    finished = run(program)
    assert finished.returncode == 0, finished.stderr


def test_importing_it_does_not_import_hypothesis() -> None:
    finished = run("import sys, batchfold.testing; sys.exit('hypothesis' in sys.modules)")
    assert finished.returncode == 0, finished.stderr


def test_without_hypothesis_assert_safe_says_what_to_install() -> None:
    program = _WITHOUT_HYPOTHESIS + (
        "from batchfold.testing import SqsQueue, assert_safe\n"
        "assert_safe(lambda effect: lambda event, context: None, source=SqsQueue())\n"
    )
    finished = run(program)
    assert "ImportError: Hypothesis is not installed" in finished.stderr
    assert 'pip install "batchfold[testing]"' in finished.stderr
