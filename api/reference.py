"""The page on which people read the API and try it: Swagger UI, with nothing that another host would have to serve.

Its files come with the package fastapi-offline; ours start it, without a script inside the page, so that the
page's policy allows none. What the document says is FastAPI's.
"""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

import fastapi_offline
from fastapi import FastAPI
from starlette.responses import FileResponse, HTMLResponse, Response

PATH: Final = "/docs"
_THEIRS: Final = Path(fastapi_offline.__file__).parent / "static"
_FILES: Final = {name: _THEIRS / name for name in ("swagger-ui-bundle.js", "swagger-ui.css", "favicon.png")}
_HEADERS: Final = {
    # Swagger UI's icons are addresses of kind data.
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-cache",
}
# Addresses are relative: a proxy may put the desk below a path of its own.
_PAGE: Final = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Duradesk API</title>
<link rel="icon" href="docs/favicon.png">
<link rel="stylesheet" href="docs/swagger-ui.css">
<div id="reference"></div>
<script src="docs/swagger-ui-bundle.js"></script>
<script src="docs/start.js"></script>
</html>
"""
_START: Final = """SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#reference",
  deepLinking: true,
  validatorUrl: null,
})
"""


def install(app: FastAPI) -> None:
    """For an app that was made without a page of FastAPI's."""

    @app.get(PATH, include_in_schema=False)
    async def page() -> Response:
        return HTMLResponse(_PAGE, headers=_HEADERS)

    @app.get(f"{PATH}/start.js", include_in_schema=False)
    async def start() -> Response:
        return Response(_START, headers=_HEADERS, media_type="text/javascript")

    for name, file in _FILES.items():
        app.add_api_route(f"{PATH}/{name}", _serving(file), include_in_schema=False)


def _serving(file: Path) -> Callable[[], Awaitable[Response]]:
    async def serve() -> Response:
        return FileResponse(file, headers=_HEADERS)

    return serve
