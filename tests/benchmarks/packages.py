"""How large a wheel and a Lambda package are, measured on what pip installs."""

import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
LEFT_OUT = {"__pycache__", "bin"}
"""What a Lambda package does not need of what pip writes."""


def wheel_bytes() -> int:
    """The size of batchfold's wheel."""
    with tempfile.TemporaryDirectory() as folder:
        _pip("wheel", "--no-deps", "--wheel-dir", folder, str(ROOT))
        return next(Path(folder).glob("batchfold-*.whl")).stat().st_size


def package_bytes(*requirements: str) -> int:
    """The size, unpacked, of these and all that they need at run time."""
    with tempfile.TemporaryDirectory() as folder:
        _pip("install", "--no-compile", "--target", folder, *requirements)
        files = (path for path in Path(folder).rglob("*") if path.is_file())
        return sum(path.stat().st_size for path in files if not LEFT_OUT & set(path.parts))


def _pip(*arguments: str) -> None:
    subprocess.run([sys.executable, "-m", "pip", "--quiet", *arguments], check=True, stderr=subprocess.DEVNULL)
