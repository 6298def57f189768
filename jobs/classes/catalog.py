"""Which job classes there are: what the pickers offer."""

from __future__ import annotations

import importlib
import inspect
import logging
import pkgutil
from collections.abc import Iterable, Iterator
from types import ModuleType
from typing import Any

from .base import Job

logger = logging.getLogger(__name__)


def meta_infos(packages: Iterable[str]) -> list[dict[str, Any]]:
    """The meta information of every available class in the allowed packages, sorted by path."""
    found = {f"{cls.__module__}.{cls.__qualname__}": cls for package in packages for cls in _classes(package)}
    infos = []
    for path in sorted(found):
        try:
            if found[path].available():
                infos.append(found[path].meta_info())
        except Exception as problem:  # somebody's class: one bad one must not hide the others
            logger.warning("job class left out", extra={"job_class": path, "problem": repr(problem)})
    return infos


def _classes(package: str) -> Iterator[type[Job]]:
    """The concrete job classes defined (not merely imported) in the package's modules."""
    for module in _modules(package):
        for _name, cls in inspect.getmembers(module, inspect.isclass):
            if issubclass(cls, Job) and cls is not Job and cls.__module__ == module.__name__:
                yield cls


def _modules(name: str) -> Iterator[ModuleType]:
    """The module and, when it is a package, those below it; what cannot be imported is logged and skipped."""
    try:
        module = importlib.import_module(name)
    except Exception as problem:
        logger.warning("job class module skipped", extra={"module_name": name, "problem": repr(problem)})
        return
    yield module
    for entry in pkgutil.iter_modules(getattr(module, "__path__", [])):
        yield from _modules(f"{name}.{entry.name}")
