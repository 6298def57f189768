"""Validates names of environments, versions of Python, package specifications and channel URLs.

The tools behind take far more than this: options, URLs, paths, markers, `numpy[url=file:///etc/passwd]`. So everything is read
by a grammar of our own before it reaches one of them: a package's name, for PyPI its extras, and version clauses. What the
grammar takes begins with a letter, a digit or `_`: it can be no option wherever it stands on a command line.

Every function raises Invalid, which says what is at fault and why, with the text as it was typed, made printable and cut.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple
from urllib.parse import urlsplit

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name

from environments.backends.base import Invalid

LONGEST_NAME = 64
LONGEST_SPEC = 200
MOST_SPECS = 200

_ENVIRONMENT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
_PYTHON = re.compile(r"3\.\d{1,2}(\.\d{1,2})?")
_SPEC = re.compile(
    r"(?P<name>[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?) *(?:\[(?P<extras>[^\[\]]*)\])? *(?P<version>[=!<>~].*)?"
)
_EXTRA = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")
_CLAUSE = re.compile(r"(?P<operator>==|!=|>=|<=|~=|=|<|>) *(?P<version>[A-Za-z0-9][A-Za-z0-9._+!]*(?:\.\*)?)")
# Conda's own names for its installation: an environment called so is taken for it.
_RESERVED = {"base", "root"}


def _(text: str) -> str:
    """Marks a text for the catalogs of translations; nothing here knows the reader's language."""
    return text


class Spec(NamedTuple):
    """A specification, read. version: clauses without blanks, `>=1.2,<2`; empty for any."""

    name: str
    extras: tuple[str, ...]
    version: str

    @property
    def key(self) -> str:
        """The name by which two spellings of one package are known as the same."""
        return canonicalize_name(self.name)

    @property
    def pypi(self) -> str:
        extras = f"[{','.join(self.extras)}]" if self.extras else ""
        return f"{self.name}{extras}{self.version}"

    @property
    def conda(self) -> str:
        """As Conda's specifications have it: a blank before the version."""
        return f"{self.name.lower()} {self.version}" if self.version else self.name.lower()


def environment_name(text: str) -> str:
    """Letters, digits, `_`, `-` and `.` of ASCII, up to 64, the first neither `-` nor `.`."""
    if not text:
        raise Invalid(_("The name is empty."))
    if len(text) > LONGEST_NAME:
        raise Invalid(
            _("The name has %(count)s characters; %(most)s are allowed."), count=len(text), most=LONGEST_NAME
        )
    if not _ENVIRONMENT.fullmatch(text):
        why = _(
            "%(text)s cannot be a name: letters, digits, '_', '-' and '.' are allowed, and it starts with neither '-' nor '.'."
        )
        raise Invalid(why, text=shown(text))
    if text.lower() in _RESERVED:
        raise Invalid(_("%(text)s is the name of Conda's own installation."), text=shown(text))
    return text


def python_version(text: str) -> str:
    """`3.Y` or `3.Y.Z`; empty for whatever the backend takes by itself."""
    if text and not (len(text) <= LONGEST_NAME and _PYTHON.fullmatch(text) and text.isascii()):
        raise Invalid(_("%(text)s is not a version of Python such as 3.12 or 3.12.4."), text=shown(text))
    return text


def spec(text: str, *, conda: bool) -> Spec:
    """One specification. `=` as an operator is Conda's alone, extras are PyPI's."""
    matched = _SPEC.fullmatch(_plain(text))
    if not matched:
        raise Invalid(_why_not(text), text=shown(text))
    name, extras, version = matched["name"], matched["extras"], matched["version"] or ""
    if extras is not None and conda:
        raise Invalid(_("%(text)s: Conda packages have no extras in square brackets."), text=shown(text))
    if not conda and name.startswith("_"):
        raise Invalid(_("%(text)s: a name on PyPI starts with a letter or a digit."), text=shown(text))
    return Spec(name, _extras(text, extras), _version(text, version, conda=conda))


def specs(texts: Sequence[str], *, conda: bool) -> list[Spec]:
    """All of them; those that say the same again are left out."""
    if len(texts) > MOST_SPECS:
        raise Invalid(
            _("%(count)s packages at once; %(most)s are allowed."), count=len(texts), most=MOST_SPECS
        )
    return list(dict.fromkeys(spec(text, conda=conda) for text in texts))


def names(texts: Sequence[str], *, conda: bool) -> list[str]:
    """The names of what is to be removed or updated; a version beside a name is read, and of no consequence."""
    return list(dict.fromkeys(one.name for one in specs(texts, conda=conda)))


def channel_url(channel: str, alias: str) -> str:
    """The address of a channel. Credentials in it would be written into every environment: they are refused."""
    url = channel if "://" in channel else f"{alias.rstrip('/')}/{channel}"
    parts = urlsplit(url)
    if parts.username or parts.password or re.search(r"/t/[^/]+/", parts.path):
        raise Invalid(
            f"The channel {without_credentials(url)} has credentials in its address. Set CONDA_AUTH_FILE instead."
        )
    if parts.scheme not in ("http", "https", "file") or not url.isprintable() or " " in url:
        raise Invalid(f"The channel {shown(channel)} is neither a name nor an address.")
    return url.rstrip("/")


def without_credentials(text: str) -> str:
    """The text with what stands before an `@` in its URLs masked, and tokens in their paths."""
    text = re.sub(r"(?<=://)[^/\s@]+@", "***@", text)
    return re.sub(r"(?<=/t/)[^/\s]+(?=/)", "***", text)


def shown(text: str) -> str:
    """For a message: printable, in quotes, not longer than 80 characters."""
    printable = "".join(c if c.isprintable() else repr(c)[1:-1] for c in text[:80])
    return f"'{printable[:80]}{'…' if len(text) > 80 else ''}'"


def _plain(text: str) -> str:
    if len(text) > LONGEST_SPEC:
        long = _("%(text)s: %(count)s characters; %(most)s are allowed.")
        raise Invalid(long, text=shown(text), count=len(text), most=LONGEST_SPEC)
    if not text.isascii() or not text.isprintable():
        raise Invalid(_("%(text)s: only printable ASCII characters are allowed."), text=shown(text))
    return text.strip(" ")


def _why_not(text: str) -> str:
    text = text.strip()
    if not text:
        return _("%(text)s: a package's name is missing.")
    if text.startswith("-"):
        return _("%(text)s: options are not allowed.")
    if "://" in text or "@" in text:
        return _("%(text)s: addresses are not allowed, only packages of the configured index.")
    if "/" in text or "\\" in text or text.startswith("."):
        return _("%(text)s: paths are not allowed.")
    if ";" in text:
        return _("%(text)s: markers after ';' are not allowed.")
    return _("%(text)s: not of the form name or name>=1.2,<2.")


def _extras(text: str, extras: str | None) -> tuple[str, ...]:
    if extras is None:
        return ()
    found = tuple(extra.strip() for extra in extras.split(","))
    if not all(_EXTRA.fullmatch(extra) for extra in found):
        raise Invalid(
            _("%(text)s: what stands in square brackets are not names of extras."), text=shown(text)
        )
    return found


def _version(text: str, version: str, *, conda: bool) -> str:
    clauses = []
    for clause in version.split(",") if version else []:
        matched = _CLAUSE.fullmatch(clause.strip())
        if not matched:
            why = _("%(text)s: '%(clause)s' is not a version clause such as >=1.2.")
            raise Invalid(why, text=shown(text), clause=clause.strip())
        clauses.append(matched["operator"] + matched["version"])
    joined = ",".join(clauses)
    if conda:
        return joined
    try:
        SpecifierSet(joined)
    except InvalidSpecifier:
        why = _("%(text)s: '%(clause)s' is not a version clause of PyPI.")
        if re.search(r"(?<![=!<>~])=(?!=)", joined):
            why = _(
                "%(text)s: '%(clause)s' is not a version clause of PyPI. Write == for exactly this version."
            )
        raise Invalid(why, text=shown(text), clause=joined) from None
    return joined
