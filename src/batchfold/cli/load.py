"""Loading the user's Lambda function out of its file, as Lambda does.

Lambda is told which folder is the root (`CodeUri`) and what the module is called from there (`Handler`); a file tells
neither. So the module has the name that its package gives it, and what it imports is found in the folder that holds the
package, in the file's own folder, which may just as well be the root, and in the working directory.
"""

import re
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from importlib.machinery import ModuleSpec
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from itertools import takewhile
from pathlib import Path
from types import ModuleType
from typing import Any, TypeAlias, cast

from batchfold.cli.account import RefusedError

Function: TypeAlias = Callable[[Any, Any], Any]
"""The function that Lambda calls: event and context in, response out."""

_RELATIVE_IMPORT = re.compile(rb"^\s*from\s+\.", re.MULTILINE)


class CannotLoadError(RefusedError):
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
    root = _root_of(path)
    with _imports_from(path, root):
        yield _function(_imported(path, root, file), name, file)


def _root_of(path: Path) -> Path:
    """The folder that gives the file's module its name: the one that holds its package, or else its own.

    A folder may be a package without an `__init__.py`. Of that only a relative import tells, and the working directory is
    taken for the root.
    """
    packages = list(takewhile(lambda folder: (folder / "__init__.py").is_file(), path.parents))
    if packages:
        return packages[-1].parent
    here = Path.cwd()
    return here if here in path.parents and _RELATIVE_IMPORT.search(path.read_bytes()) else path.parent


@contextmanager
def _imports_from(path: Path, root: Path) -> Generator[None, None, None]:
    """Let imports find what Lambda would let them find, and forget in the end what they found of the function's own."""
    path_before, modules_before = list(sys.path), dict(sys.modules)
    here = Path.cwd()
    # the others come last: if they are not the root, they must not hide anything, a module `types` in a package for one
    sys.path[:] = [str(root), *sys.path, str(path.parent), *([str(here)] if here in path.parents else [])]
    try:
        yield
    finally:
        sys.path[:] = path_before
        own = {path.stem, path.relative_to(root).parts[0]}
        for name in [name for name in sys.modules if name in own or name.partition(".")[0] in own]:
            del sys.modules[name]
        sys.modules.update((name, module) for name, module in modules_before.items() if name not in sys.modules)


def _imported(path: Path, root: Path, file: str) -> ModuleType:
    try:
        module = _module(path, root)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        raise CannotLoadError(f"importing {file} raised {type(error).__name__}") from error
    if module is None:
        raise CannotLoadError(f"{file} is no Python file")
    return module


def _module(path: Path, root: Path) -> ModuleType | None:
    spec = _spec_in_package(path, root)
    if spec is None:
        names = [path.stem]
        spec = spec_from_file_location(path.stem, path)
    elif spec.name in sys.modules:
        return sys.modules[spec.name]  # its package has imported it
    else:
        # neighbours may import it by the name that it has if its folder is the root: it is the same module to them
        names = [spec.name, path.stem] if _is_free(path) else [spec.name]
    if spec is None or spec.loader is None:
        return None
    module = module_from_spec(spec)
    sys.modules.update(dict.fromkeys(names, module))
    spec.loader.exec_module(module)
    package, _, name = spec.name.rpartition(".")
    if package in sys.modules:
        setattr(sys.modules[package], name, module)
    return module


def _spec_in_package(path: Path, root: Path) -> ModuleSpec | None:
    """Find the file as part of its package, if it is in one. The packages above it are imported for that."""
    *packages, stem = path.relative_to(root).with_suffix("").parts
    if not packages or any("." in part for part in (*packages, stem)):
        return None
    outermost = find_spec(packages[0])
    if outermost is None or str(root / packages[0]) not in (outermost.submodule_search_locations or ()):
        return None  # another package has that name, and is found before this one
    spec = find_spec(".".join(packages if stem == "__init__" else [*packages, stem]))
    return spec if spec is not None and spec.origin == str(path) else None


def _is_free(path: Path) -> bool:
    if path.stem in sys.modules:
        return False
    spec = find_spec(path.stem)
    return spec is not None and spec.origin == str(path)


def _function(module: ModuleType, name: str, file: str) -> Function:
    function: object = getattr(module, name, None)
    if callable(function):
        return cast("Function", function)  # whether it takes an event and a context, calling it will show
    found = "is not there" if function is None else f"is a {type(function).__name__}, not a function"
    raise CannotLoadError(f"{name} of {file} {found}")
