"""What may be typed as a name, a version or a package; everything else is refused before a tool sees it."""

from __future__ import annotations

import pytest

from environments import errors
from environments.backends import validators
from environments.backends.base import Invalid

HOSTILE = [
    "",
    " ",
    "-r requirements.txt",
    "--help",
    "--index-url=https://example.org",
    "-e .",
    ".",
    "..",
    "../escape",
    "/etc/passwd",
    "C:\\temp",
    "./package.whl",
    "https://example.org/package.whl",
    "file:///etc/passwd",
    "git+https://example.org/repo",
    "six @ https://example.org/six.whl",
    "six@1.0",
    "numpy[url=file:///etc/passwd]",
    "numpy[version='>=1']",
    "numpy[]",
    "conda-forge::numpy",
    "six; python_version > '3'",
    "six --pre",
    "six==1.0 --hash=sha256:00",
    "six ==",
    "six 1.0",
    "six==1.0,",
    "six==1.0 tomli==2.0",
    "six>==1",
    "six===1.0",
    "six==$(id)",
    "six`id`",
    "six&&id",
    "six\0",
    "six\n--help",
    "six\r",
    "six\x1b[31m",
    "ｓｉｘ",
    "sіx",
    "six\u202e",
    "*",
    "^six$",
    "six*",
    "x" * 201,
    "x" * 10_000_000,
]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
@pytest.mark.parametrize("conda", [True, False], ids=["conda", "pypi"])
def test_whatever_is_no_plain_package_is_refused_and_named(text: str, conda: bool) -> None:
    with pytest.raises(Invalid) as refused:
        validators.specs(["six", text], conda=conda)
    message = str(refused.value)
    assert message.startswith(validators.shown(text))
    assert len(message) < 400
    assert message.isprintable()


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("six", "six"),
        (" six ", "six"),
        ("Django", "Django"),
        ("six==1.17.0", "six==1.17.0"),
        ("matplotlib >= 3.4.0, < 4", "matplotlib>=3.4.0,<4"),
        ("requests[socks, security]>=2", "requests[socks,security]>=2"),
        ("six~=1.4", "six~=1.4"),
        ("six==1.*", "six==1.*"),
        ("torch==2.0+cpu", "torch==2.0+cpu"),
        ("ruamel.yaml!=0.1", "ruamel.yaml!=0.1"),
    ],
)
def test_a_specification_of_pypi_is_read(typed: str, read: str) -> None:
    assert validators.spec(typed, conda=False).pypi == read


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("six", "six"),
        ("Numpy=1.26", "numpy =1.26"),
        ("numpy==1.26.4", "numpy ==1.26.4"),
        ("numpy >=1.2, <2", "numpy >=1.2,<2"),
        ("numpy=1.26.*", "numpy =1.26.*"),
        ("_libgcc_mutex", "_libgcc_mutex"),
        ("openssl>=1.1.1w", "openssl >=1.1.1w"),
    ],
)
def test_a_specification_of_conda_is_read(typed: str, read: str) -> None:
    assert validators.spec(typed, conda=True).conda == read


@pytest.mark.parametrize(
    ("typed", "conda", "why"),
    [
        ("six=1.0", False, "Write == for exactly this version"),
        ("six==1.0.foo", False, "not a version clause of PyPI"),
        ("requests[socks]", True, "no extras"),
        ("numpy=1.26=py311_0", True, "not a version clause"),
        ("six @ x", False, "addresses are not allowed"),
        ("--help", False, "options are not allowed"),
        ("a/b", False, "paths are not allowed"),
        ("six; x", False, "markers"),
    ],
)
def test_the_refusal_says_why(typed: str, conda: bool, why: str) -> None:
    with pytest.raises(Invalid, match=why):
        validators.spec(typed, conda=conda)


def test_the_same_twice_is_once_and_too_many_are_refused() -> None:
    assert [spec.pypi for spec in validators.specs(["six", "six ", "six>1"], conda=False)] == ["six", "six>1"]
    with pytest.raises(Invalid, match="201 packages"):
        validators.specs(["six"] * 201, conda=False)


@pytest.mark.parametrize("name", ["a", "web_1", "3d", "Über"[1:], "a.b-c", "_x", "x" * 64, "a..b"])
def test_a_name_of_an_environment(name: str) -> None:
    assert validators.environment_name(name) == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        ".hidden",
        "-x",
        "a b",
        "a/b",
        "../x",
        "a\\b",
        "ä",
        "a\0",
        "a\n",
        "x" * 65,
        "base",
        "Root",
        "a;b",
        "$x",
    ],
)
def test_no_name_of_an_environment(name: str) -> None:
    with pytest.raises(Invalid):
        validators.environment_name(name)


@pytest.mark.parametrize("text", ["", "3.12", "3.8", "3.11.7"])
def test_a_version_of_python(text: str) -> None:
    assert validators.python_version(text) == text


NO_VERSIONS = [
    *("3", "2.7", "3.x", ">=3.8", "3.12 ", "3.12.*", "--help", "/usr/bin/python", "٣.١٢", "3.12\n"),
    "3." + "1" * 10_000_000,
]


@pytest.mark.parametrize("text", NO_VERSIONS, ids=range(len(NO_VERSIONS)))
def test_no_version_of_python(text: str) -> None:
    with pytest.raises(Invalid):
        validators.python_version(text)


def test_channels_are_names_below_the_alias_or_addresses() -> None:
    alias = "https://conda.example.org/"
    assert validators.channel_url("conda-forge", alias) == "https://conda.example.org/conda-forge"
    assert validators.channel_url("https://example.org/c/", alias) == "https://example.org/c"


@pytest.mark.parametrize(
    "channel",
    [
        "https://ada:pass@example.org/c",
        "https://token@example.org/c",
        "https://example.org/t/to-ken/c",
        "ftp://example.org/c",
        "a b",
    ],
)
def test_a_channel_with_credentials_is_refused_without_repeating_them(channel: str) -> None:
    with pytest.raises(Invalid) as refused:
        validators.channel_url(channel, "https://conda.example.org")
    assert not any(secret in str(refused.value) for secret in ("ada:pass", "token@", "to-ken"))


def test_credentials_are_masked_in_texts_of_tools() -> None:
    text = "error: https://ada:secret@example.org/simple and https://example.org/t/to-ken/c failed"
    assert (
        validators.without_credentials(text)
        == "error: https://***@example.org/simple and https://example.org/t/***/c failed"
    )


def test_a_refusal_can_be_said_in_another_language(monkeypatch: pytest.MonkeyPatch) -> None:
    catalog = {
        "Line %(number)s: %(problem)s": "%(number)s 行目: %(problem)s",
        "%(text)s: options are not allowed.": "%(text)s: オプションは使えません。",
    }
    monkeypatch.setattr(errors, "gettext", lambda text: catalog.get(text, text))
    with pytest.raises(Invalid) as refused:
        validators.specs(["six", "--100%"], conda=False)
    line = Invalid("Line %(number)s: %(problem)s", number=2, problem=refused.value)
    assert str(line) == "Line 2: '--100%': options are not allowed."
    assert errors.worded(line) == "2 行目: '--100%': オプションは使えません。"
    assert errors.worded(Invalid("100% plain")) == "100% plain"
