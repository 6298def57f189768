"""Which backends there are, by name."""

from __future__ import annotations

from environments.backends.base import Backend, Config


def backend(name: str, config: Config) -> Backend:
    """Raises KeyError for an unknown name. Imports only the one that is asked for: each brings a library of its own."""
    if name == "pypi":
        from environments.backends.pypi import PypiBackend

        return PypiBackend(config)
    if name == "conda":
        from environments.backends.conda.backend import CondaBackend

        return CondaBackend(config)
    if name == "external":
        from environments.backends.conda.external import ExternalBackend

        return ExternalBackend(config)
    raise KeyError(name)
