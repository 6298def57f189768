"""The body of a response: read up to a limit, decompressed within bounds, and checked against the job's expectations."""

from __future__ import annotations

import io
import json
import re
import zlib
from codecs import lookup as lookup_codec
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import aiohttp
import brotli
import zstandard

SHOWN = 64 * 1024  # characters
JUDGED = 1024 * 1024  # characters that are searched where the job says what must be in them
MAX_PACKED = 1024 * 1024  # bytes of a compressed body
MAX_CODINGS = 3
_TEXT_CODEC = re.compile(
    r"ascii|utf-(?:8|16|32).*|iso8859-\d+|cp\d+|koi8-\w|gb\w+|big5\w*|euc_\w+|shift_jis\w*"
)


@dataclass(frozen=True)
class Body:
    """text: what was read; total: bytes of the whole where they are known; cut: there is more; broken: it ended too soon."""

    text: str
    total: int | None = None
    cut: bool = False
    broken: str = ""

    def note(self, shown: int) -> str:
        """What is said below a body of which only the first `shown` characters are kept; nothing where it is all there."""
        if self.broken:
            return f"The answer ended too soon: {self.broken}"
        if not self.cut and len(self.text) <= shown:
            return ""
        whole = f" of {size(self.total)}" if self.total else ", the rest was not read"
        return f"Showing the first {size(shown)}{whole}"


def size(count: int) -> str:
    """Bytes as `64 KiB` or `2.1 MB`."""
    if count < 1000:
        return f"{count} bytes"
    if count < 1_000_000:
        return f"{count / 1024:.4g} KiB"
    return f"{count / 1_000_000:.2g} MB" if count < 10_000_000 else f"{count / 1_000_000:.0f} MB"


async def read(answer: aiohttp.ClientResponse, room: int) -> Body:
    """The body up to `room` characters; what breaks off is what came until then."""
    codings = [
        part.strip().lower() for part in answer.headers.get("Content-Encoding", "").split(",") if part.strip()
    ]
    packed = [coding for coding in codings if coding != "identity"]
    raw, broken, whole = await _raw(answer, MAX_PACKED if packed else room)
    unpacked, more, unfinished = _unpacked(raw, packed, room)
    if unfinished and whole and not broken:
        broken = "its compression ends in the middle"
    length = answer.headers.get("Content-Length", "")
    total = int(length) if length.isascii() and length.isdecimal() and not packed else None
    text = unpacked.decode(_codec(answer), errors="replace").replace("\0", "")
    return Body(text, total, cut=more or not whole, broken=broken)


async def _raw(answer: aiohttp.ClientResponse, most: int) -> tuple[bytes, str, bool]:
    """Bytes as they came, why they ended too soon, and whether that was all."""
    body = bytearray()
    try:
        while len(body) < most:
            if not (chunk := await answer.content.read(most - len(body))):
                return bytes(body), "", True
            body += chunk
        return bytes(body), "", answer.content.at_eof()
    except (aiohttp.ClientError, OSError) as problem:
        return bytes(body), str(problem) or type(problem).__name__, True
    finally:
        answer.close()


def _unpacked(raw: bytes, codings: list[str], room: int) -> tuple[bytes, bool, bool]:
    """At most `room` bytes, whether there are more, and whether they break off.

    What is not compressed although it says so is left as it is.
    """
    if len(codings) > MAX_CODINGS:
        return raw[:room], len(raw) > room, False
    more = unfinished = False
    for coding in reversed(codings):
        unpack = _CODINGS.get(coding)
        try:
            raw, ended = unpack(raw, room + 1) if unpack else (raw, True)
        except (zlib.error, brotli.error, zstandard.ZstdError):
            break
        more = more or len(raw) > room
        unfinished = unfinished or not ended
    more = more or len(raw) > room
    return raw[:room], more, unfinished and not more


class _Inflater(Protocol):
    """What unpacks a stream piece by piece."""

    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int = ..., /) -> bytes: ...


def _members(raw: bytes, room: int, inflater: Callable[[], _Inflater]) -> tuple[bytes, bool]:
    """At most `room` bytes of a stream that may have several parts, and whether it came to its end.

    What follows the first part and is none itself is no part of the body (as gunzip sees it).
    """
    found, ended = b"", False
    while raw and len(found) < room:
        one = inflater()
        try:
            found += one.decompress(raw, room - len(found))
        except zlib.error:
            if not ended:
                raise
            break
        raw, ended = one.unused_data, one.eof
        if not ended:
            break
    return found, ended or not found


def _gzip(raw: bytes, room: int) -> tuple[bytes, bool]:
    """RFC 1952, 2.2: a file has one member or several."""
    return _members(raw, room, lambda: zlib.decompressobj(wbits=47))  # 32 + 15: gzip or zlib, whichever it is


def _deflate(raw: bytes, room: int) -> tuple[bytes, bool]:
    """RFC 9110, 8.4.1.2 means zlib's format; some servers send the bare one."""
    try:
        return _members(raw, room, zlib.decompressobj)
    except zlib.error:
        return _members(raw, room, lambda: zlib.decompressobj(wbits=-15))


def _brotli(raw: bytes, room: int) -> tuple[bytes, bool]:
    stream = brotli.Decompressor()
    found = bytes(stream.process(raw, output_buffer_limit=room))
    return found[:room], stream.is_finished() or not raw


def _zstd(raw: bytes, room: int) -> tuple[bytes, bool]:
    """RFC 8878, 3: one frame or several."""
    unpacker = zstandard.ZstdDecompressor(max_window_size=1 << 23)
    with unpacker.stream_reader(io.BytesIO(raw), read_across_frames=True) as reader:
        found = reader.read(room)
    return found, len(found) == room or _frames_end(raw)


def _frames_end(raw: bytes) -> bool:
    """Only of what is known to unpack to little."""
    while raw:
        frame = zstandard.ZstdDecompressor(max_window_size=1 << 23).decompressobj()
        frame.decompress(raw)
        if not frame.eof:
            return False
        raw = frame.unused_data
    return True


_CODINGS: dict[str, Callable[[bytes, int], tuple[bytes, bool]]] = {
    "gzip": _gzip,
    "x-gzip": _gzip,
    "deflate": _deflate,
    "br": _brotli,
    "zstd": _zstd,
}


def _codec(answer: aiohttp.ClientResponse) -> str:
    """The declared charset where it is one of plain text (codecs such as punycode are slow), else UTF-8."""
    try:
        name = lookup_codec(answer.charset or "utf-8").name
    except (LookupError, ValueError):
        return "utf-8"
    return name if _TEXT_CODEC.fullmatch(name) else "utf-8"


# What must be in it ----------------------------------------------------------------------------------------------------


EXPECTATIONS = ("answer_contains", "answer_lacks", "answer_json", "answer_json_lacks")


def is_judged(options: Mapping[str, Any]) -> bool:
    return any(options.get(name) for name in EXPECTATIONS)


def disappointment(body: Body, options: Mapping[str, Any]) -> str:
    """Why this body is not what the job expects; nothing where it is."""
    if body.broken:
        return f"The answer ended too soon to be judged: {body.broken}"
    wanted, unwanted = options.get("answer_contains"), options.get("answer_lacks")
    part = f" in its first {size(JUDGED)}" if body.cut else ""
    if wanted and wanted not in body.text:
        return f"The answer does not contain “{wanted}”{part}"
    if unwanted and unwanted in body.text:
        return f"The answer contains “{unwanted}”"
    if unwanted and body.cut:
        return f"The answer is longer than {size(JUDGED)}: whether it contains “{unwanted}” is not known"
    expected, refused = options.get("answer_json") or {}, options.get("answer_json_lacks") or {}
    return _unequal(body, expected, refused) if expected or refused else ""


def _unequal(body: Body, expected: Mapping[str, Any], refused: Mapping[str, Any]) -> str:
    if body.cut:
        return f"The answer is longer than {size(JUDGED)}: its JSON is not judged"
    try:
        document, expected, refused = (
            json.loads(text, parse_float=_number) for text in (body.text, _plain(expected), _plain(refused))
        )
    except (ValueError, RecursionError):
        return "The answer is not JSON"
    for path, value in expected.items():
        found = _at(document, path)
        if found is MISSING:
            return f"The answer has no “{path}”"
        if _plain(found) != _plain(value):
            return f"The answer's “{path}” is {_plain(found)[:200]}, not {_plain(value)[:200]}"
    for path, value in refused.items():
        found = _at(document, path)
        if found is not MISSING and _plain(found) == _plain(value):
            return f"The answer's “{path}” is {_plain(found)[:200]}"
    return ""


MISSING = object()


def _at(value: Any, path: str) -> Any:
    """`items.0.state`: keys of objects, and places in lists counted from 0."""
    for key in path.split("."):
        if isinstance(value, dict) and key in value:
            value = value[key]
        elif isinstance(value, list) and key.isascii() and key.isdecimal() and int(key[:9]) < len(value):
            value = value[int(key[:9])]
        else:
            return MISSING
    return value


def _plain(value: Any) -> str:
    """One spelling of a JSON value: for Python `1 == True`, for JSON it is not."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False)


def _number(digits: str) -> float:
    """1, 1.0 and 1e0 are one number (RFC 8259, 6)."""
    value = float(digits)
    return int(value) if value.is_integer() else value
