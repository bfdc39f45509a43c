"""The version of the workers as Temporal knows it, for a desk with `DURADESK_DEPLOYMENT_NAME`.

Every process moves to the version that is current at its next step (ADR 0010): a ticket lives for months, and nobody
keeps old workers that long. A version runs nothing before it is made current, which is `promote`'s business; until
then its workers say that they are not ready.
"""

import asyncio
from datetime import timedelta
from typing import Final

from temporalio.api.deployment.v1 import WorkerDeploymentVersion as ProtoVersion
from temporalio.api.workflowservice.v1 import (
    DescribeWorkerDeploymentRequest,
    DescribeWorkerDeploymentVersionRequest,
    SetWorkerDeploymentCurrentVersionRequest,
)
from temporalio.client import Client
from temporalio.common import VersioningBehavior, WorkerDeploymentVersion
from temporalio.service import RPCError, RPCStatusCode
from temporalio.worker import WorkerDeploymentConfig

from domain.errors import Unavailable
from domain.queues import DELIVERY, PROCESS
from runtime.settings import SettingError, Settings
from runtime.version import desk_version

_QUEUES: Final = frozenset({PROCESS, DELIVERY})
_AGAIN_AFTER: Final = 0.5


def version_of(settings: Settings) -> WorkerDeploymentVersion | None:
    """None for workers without versions."""
    if not settings.deployment_name:
        return None
    return WorkerDeploymentVersion(
        deployment_name=settings.deployment_name, build_id=settings.build_id or desk_version()
    )


def deployment(settings: Settings) -> WorkerDeploymentConfig | None:
    """What a worker tells Temporal, if it belongs to a deployment."""
    version = version_of(settings)
    if version is None:
        return None
    return WorkerDeploymentConfig(
        version=version,
        use_worker_versioning=True,
        default_versioning_behavior=VersioningBehavior.AUTO_UPGRADE,
    )


async def check_current(client: Client, version: WorkerDeploymentVersion) -> None:
    """Raises Unavailable unless the version is the one that runs."""
    current = await _current(client, version)
    if current != version.build_id:
        raise Unavailable(
            "not_current", f"The current version is {current or 'none'}, not {version.build_id}."
        )


async def promote(client: Client, settings: Settings, patience: timedelta) -> WorkerDeploymentVersion:
    """Makes the version of these settings the current one, as soon as workers of all queues are there. May be repeated.

    Raises Unavailable when they do not come.
    """
    version = version_of(settings)
    if version is None:
        raise SettingError("DURADESK_DEPLOYMENT_NAME is not set: these workers have no version.")
    request = SetWorkerDeploymentCurrentVersionRequest(
        namespace=client.namespace, deployment_name=version.deployment_name, build_id=version.build_id
    )
    missing = _QUEUES
    try:
        async with asyncio.timeout(patience.total_seconds()):
            while missing := _QUEUES - await _polled(client, version):  # noqa: ASYNC110  the server tells nobody
                await asyncio.sleep(_AGAIN_AFTER)
            await client.workflow_service.set_worker_deployment_current_version(request)
    except RPCError as error:
        if error.status != RPCStatusCode.FAILED_PRECONDITION:
            raise
        raise Unavailable("not_promoted", error.message) from None
    except TimeoutError:
        raise Unavailable(
            "workers_missing",
            f"Version {version.build_id} has no workers of {', '.join(sorted(missing))} that could be made current.",
        ) from None
    return version


async def _current(client: Client, version: WorkerDeploymentVersion) -> str:
    """The build id of the current version; empty if there is none."""
    request = DescribeWorkerDeploymentRequest(
        namespace=client.namespace, deployment_name=version.deployment_name
    )
    try:
        answer = await client.workflow_service.describe_worker_deployment(request)
    except RPCError as error:
        if error.status != RPCStatusCode.NOT_FOUND:
            raise
        return ""
    return answer.worker_deployment_info.routing_config.current_deployment_version.build_id


async def _polled(client: Client, version: WorkerDeploymentVersion) -> set[str]:
    """The queues at which workers of the version have asked for work."""
    request = DescribeWorkerDeploymentVersionRequest(
        namespace=client.namespace,
        deployment_version=ProtoVersion(deployment_name=version.deployment_name, build_id=version.build_id),
    )
    try:
        answer = await client.workflow_service.describe_worker_deployment_version(request)
    except RPCError as error:
        if error.status != RPCStatusCode.NOT_FOUND:
            raise
        return set()
    return {queue.name for queue in answer.version_task_queues}
