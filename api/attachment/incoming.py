"""Reading an upload as it comes in: a form with a `file`, or the file itself as the body.

Only one chunk is in memory at a time, so nothing here knows the whole file. What the file may be and how large
is judged by `domain/attachment` from the chunks; the frame around every request bounds the body as such.
"""

from collections.abc import AsyncIterator
from typing import Final, Protocol

from fastapi import HTTPException, Request
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import ClientDisconnect

from domain.attachment import NAMELESS, OPAQUE, check_size, clean_name
from domain.errors import Invalid
from domain.ticket.fields import Visibility

_FORM: Final = "multipart/form-data"
_HEADER_BYTES: Final = 16 * 2**10
_FIELD_BYTES: Final = 64


class Incoming(Protocol):
    """`name`, `declared` (media type) and `visibility` are final once the chunks have ended."""

    name: str
    declared: str
    visibility: Visibility

    def chunks(self) -> AsyncIterator[bytes]: ...


def open_incoming(request: Request, name: str | None, visibility: Visibility, limit: int) -> Incoming:
    """The upload in `request`; raises a 415 for a body that is neither a form nor a named file."""
    content_type = request.headers.get("content-type", "")
    kind = content_type.partition(";")[0].strip().lower()
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise HTTPException(415, "Send the file as it is, without a Content-Encoding.")
    if kind == _FORM:
        return FormFile(request, content_type, visibility)
    if name is None or not kind or kind.startswith(("multipart/", "application/x-www-form-urlencoded")):
        raise HTTPException(
            415, f"Send {_FORM} with the file as `file`, or the file as the body with its type and ?name=."
        )
    announced = request.headers.get("content-length", "")
    check_size(int(announced[:20]) if announced.isdigit() else 0, limit)
    return BareFile(request, name, kind, visibility)


class BareFile:
    """The body is the file."""

    def __init__(self, request: Request, name: str, declared: str, visibility: Visibility) -> None:
        self._request = request
        self.name = clean_name(name)
        self.declared = declared
        self.visibility = visibility

    async def chunks(self) -> AsyncIterator[bytes]:
        async for chunk in _body(self._request):
            yield chunk


class FormFile:
    """The part `file` of a form; the part `visibility` may come before or after it. Others are refused."""

    def __init__(self, request: Request, content_type: str, visibility: Visibility) -> None:
        self._request = request
        self.name = NAMELESS
        self.declared = OPAQUE
        self.visibility = visibility
        self._seen: set[str] = set()
        self._field = ""
        self._headers: dict[bytes, bytes] = {}
        self._header_name, self._header_value = bytearray(), bytearray()
        self._text = bytearray()
        self._pieces: list[bytes] = []
        self._ended = False
        self._parser = self._parser_for(content_type)

    async def chunks(self) -> AsyncIterator[bytes]:
        async for data in _body(self._request):
            try:
                self._parser.write(data)
            except FormParserError:
                raise _malformed() from None
            chunk = b"".join(self._pieces)
            self._pieces.clear()
            if chunk:
                yield chunk
        if not self._ended:
            raise _malformed()
        if "file" not in self._seen:
            raise Invalid("required", "The form has no part `file`.", field="file")

    def _parser_for(self, content_type: str) -> MultipartParser:
        boundary = parse_options_header(content_type)[1].get(b"boundary", b"")
        if not boundary:
            raise Invalid("invalid_multipart", "The Content-Type names no boundary of the form.")
        try:
            return MultipartParser(
                boundary,
                {
                    "on_part_begin": self._headers.clear,
                    "on_header_field": self._on_header_name,
                    "on_header_value": self._on_header_value,
                    "on_header_end": self._on_header_end,
                    "on_headers_finished": self._on_part,
                    "on_part_data": self._on_data,
                    "on_part_end": self._on_part_end,
                    "on_end": self._on_end,
                },
                max_header_size=_HEADER_BYTES,
            )
        except FormParserError:
            raise _malformed() from None

    def _on_header_name(self, data: bytes, start: int, end: int) -> None:
        self._header_name += data[start:end]

    def _on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._header_value += data[start:end]

    def _on_header_end(self) -> None:
        self._headers[bytes(self._header_name).lower()] = bytes(self._header_value)
        self._header_name.clear()
        self._header_value.clear()

    def _on_part(self) -> None:
        options = parse_options_header(self._headers.get(b"content-disposition", b""))[1]
        self._field = options.get(b"name", b"").decode("utf-8", "replace")
        if self._field not in ("file", "visibility"):
            shown = self._field[:_FIELD_BYTES]
            raise Invalid("unknown_field", "The form has parts `file` and `visibility` only.", field=shown)
        if self._field in self._seen:
            raise Invalid("repeated_field", f"The form has two parts `{self._field}`.", field=self._field)
        self._seen.add(self._field)
        if self._field == "file":
            # Browsers write a quotation mark in a name as %22, and nothing else in that way but line breaks.
            given = options.get(b"filename", b"").decode("utf-8", "replace").replace("%22", '"')
            self.name = clean_name(given.replace("%0D", "").replace("%0A", ""))
            self.declared = self._headers.get(b"content-type", b"").decode("latin-1")

    def _on_data(self, data: bytes, start: int, end: int) -> None:
        if self._field == "file":
            self._pieces.append(data[start:end])
        elif len(self._text) <= _FIELD_BYTES:
            self._text += data[start:end]

    def _on_part_end(self) -> None:
        if self._field == "visibility":
            try:
                self.visibility = Visibility(self._text.decode("utf-8", "replace"))
            except ValueError:
                raise Invalid("enum", "Must be `public` or `internal`.", field="visibility") from None

    def _on_end(self) -> None:
        self._ended = True


async def _body(request: Request) -> AsyncIterator[bytes]:
    try:
        async for data in request.stream():
            if data:
                yield data
    except ClientDisconnect:
        raise Invalid("incomplete_body", "The connection ended before the body did.") from None


def _malformed() -> Invalid:
    return Invalid("invalid_multipart", "The body is not a form as its boundary says, or it ends too soon.")
