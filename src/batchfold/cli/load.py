"""Loading the user's Lambda function out of its file, as Lambda does: with the file's folder on the path."""

import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any, TypeAlias, cast

Function: TypeAlias = Callable[[Any, Any], Any]
"""What Lambda calls: event and context in, response out."""


class CannotLoadError(Exception):
    """There is no such function. When importing the file raised, that is the cause."""


@contextmanager
def loaded(target: str) -> Generator[Function, None, None]:
    """The function that `FILE.py:FUNCTION` names, for as long as the context lasts.

    Raises `CannotLoadError`.
    """
    file, _, name = target.rpartition(":")
    if not file or not name:
        raise CannotLoadError(f"expected FILE.py:FUNCTION, such as app.py:lambda_handler, got {target!r}")
    path = Path(file).resolve()
    if not path.is_file():
        raise CannotLoadError(f"there is no file {file}")
    path_before, module_before = list(sys.path), sys.modules.get(path.stem)
    sys.path.insert(0, str(path.parent))
    try:
        yield _function(_imported(path, file), name, file)
    finally:
        sys.path[:] = path_before
        sys.modules.pop(path.stem, None)
        if module_before is not None:
            sys.modules[path.stem] = module_before


def _imported(path: Path, file: str) -> ModuleType:
    spec = spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise CannotLoadError(f"{file} is no Python file")
    module = module_from_spec(spec)
    sys.modules[path.stem] = module  # what defines classes looks its module up there
    try:
        spec.loader.exec_module(module)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        raise CannotLoadError(f"importing {file} raised {type(error).__name__}") from error
    return module


def _function(module: ModuleType, name: str, file: str) -> Function:
    function: object = getattr(module, name, None)
    if callable(function):
        return cast("Function", function)  # whether it takes an event and a context, calling it will show
    found = "is not there" if function is None else f"is a {type(function).__name__}, not a function"
    raise CannotLoadError(f"{name} of {file} {found}")
