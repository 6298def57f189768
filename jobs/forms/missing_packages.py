"""Packages that a script needs and its environment does not have, and how to install them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from accounts.models import User
from audit.record import Actor
from environments import home_directory, verbs
from environments.errors import worded
from environments.models import Environment, Operation
from environments.verbs import Invalid, Refused
from jobs.runners.script.requirements import RequirementRefused, installed, parse, unmet


@dataclass(frozen=True)
class Package:
    """`present`: the version that is installed, empty for none."""

    wanted: str
    present: str


@dataclass(frozen=True)
class MissingPackages:
    """`known`: whether the environment could be read. `may_install`: by whoever looks. `told`: what came of the button."""

    environment: Environment
    known: bool = False
    packages: list[Package] = field(default_factory=list)
    going_on: Operation | None = None
    may_install: bool = False
    told: str = ""
    refused: bool = False

    @property
    def url(self) -> str:
        return url_of("environment", self.environment.uid)

    @property
    def specs(self) -> list[str]:
        return [package.wanted for package in self.packages]


def of(environment: Environment | None, text: Any, user: User) -> MissingPackages | None:
    """None where nothing is needed, or where nothing can be said yet: without an environment, or for what is no requirement."""
    if environment is None or not isinstance(text, str):
        return None
    try:
        wanted = parse(text)
    except RequirementRefused:
        return None
    if not wanted:
        return None
    description = home_directory.read(environment.home)
    changeable = Environment.objects.changeable_by(user).filter(pk=environment.pk).exists()
    return MissingPackages(
        environment,
        description is not None,
        _missing(wanted, installed(description)) if description else [],
        environment.operations.open().first(),
        may_install=changeable and not environment.is_read_only,
    )


def install(missing: MissingPackages, *, by: Actor) -> MissingPackages:
    """Starts to install the missing packages and says how that went. The caller has checked the permission."""
    environment, specs = missing.environment, missing.specs
    try:
        operation = verbs.install(environment, specs, by=by)
    except (Refused, Invalid) as refusal:
        return MissingPackages(**(vars(missing) | {"told": worded(refusal), "refused": True}))
    told = _("%(packages)s will be installed in %(name)s.")
    values = {"packages": ", ".join(specs), "name": environment.name}
    return MissingPackages(**(vars(missing) | {"told": told % values, "going_on": operation}))


def url_of(name: str, *args: Any) -> str:
    """The address of a page, empty where there is none."""
    try:
        return reverse(name, args=args)
    except NoReverseMatch:
        return ""


def _missing(wanted: list[Requirement], present: Any) -> list[Package]:
    return [
        Package(str(one), present.get(canonicalize_name(one.name), ""))
        for one in wanted
        if unmet([one], present)
    ]
