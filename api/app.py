"""The HTTP application: the frame, the routers of the features, and the OpenAPI document."""

from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

from fastapi import APIRouter, FastAPI

from adapters.objects import open_objects
from api import (
    account,
    achievement,
    attachment,
    bulk,
    calendar,
    classifier,
    codec,
    contest,
    feedback,
    field,
    health,
    link,
    macro,
    member,
    metrics,
    notification,
    reconciliation,
    reference,
    report,
    sla,
    stream,
    survey,
    ticket,
    view,
)
from api.desk import Desk
from api.errors import install, problems
from api.feedback import page as feedback_page
from api.middleware import FORM_OVERHEAD, Frame
from api.stream.hub import Hub
from api.survey import page as survey_page
from api.throttle import WrongTokens
from api.ticket.imports import IMPORT_LIMIT
from runtime.metrics import Page

PREFIX = "/api/v1"


def create_app(desk: Desk, *, pages: Sequence[Page] = (), others: Sequence[Page] = ()) -> FastAPI:
    """The API of `desk`. The caller owns the desk and closes its parts. Raises SettingError.

    `pages` and `others` are shown at /metrics beside what is counted here, see `api.metrics.State`.
    """
    app = FastAPI(
        title="Duradesk", version=version("duradesk"), docs_url=None, redoc_url=None, redirect_slashes=False
    )
    app.state.desk = desk
    app.state.figures = metrics.State(desk, pages, others)
    app.state.wrong_tokens = WrongTokens()
    app.state.hub = Hub(desk.database)
    app.state.objects = open_objects(desk.settings.attachments_url)
    install(app)
    reference.install(app)
    app.include_router(health.router, tags=["health"])
    app.include_router(metrics.router)
    app.include_router(survey_page.router)
    app.include_router(feedback_page.router)
    app.include_router(_features(), prefix=PREFIX, responses=problems(401, 403, 422, 503))
    app.add_middleware(
        Frame,
        limits={
            "/attachments": desk.settings.max_attachment_bytes + FORM_OVERHEAD,
            "/inbox/messages": desk.settings.max_attachment_bytes + FORM_OVERHEAD,
            "/tickets/import": IMPORT_LIMIT,
        },
    )
    _name_problems(app)
    return app


def _features() -> APIRouter:
    """A router a feature, in the order of the OpenAPI document."""
    features = APIRouter()
    features.include_router(account.router)
    features.include_router(ticket.router)
    features.include_router(attachment.router)
    features.include_router(bulk.router)
    features.include_router(classifier.router)
    features.include_router(contest.router)
    features.include_router(feedback.router)
    features.include_router(field.router)
    features.include_router(macro.router)
    features.include_router(member.router)
    features.include_router(achievement.router)
    features.include_router(reconciliation.router)
    features.include_router(report.router)
    features.include_router(sla.router)
    features.include_router(survey.router)
    features.include_router(link.router)
    features.include_router(calendar.router)
    features.include_router(notification.router)
    features.include_router(view.router)
    features.include_router(stream.router)
    features.include_router(codec.router)
    return features


def _name_problems(app: FastAPI) -> None:
    """FastAPI files every declared response under application/json; errors here are problem documents."""
    document_of = app.openapi

    def openapi() -> dict[str, Any]:
        document = document_of()
        for path in document["paths"].values():
            for operation in path.values():
                for status, response in operation["responses"].items():
                    content = response.get("content", {})
                    schema = content.get("application/json", {}).get("schema", {})
                    if status >= "400" and schema.get("$ref", "").endswith("/Problem"):
                        content["application/problem+json"] = content.pop("application/json")
        return document

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's documented way to change the document
