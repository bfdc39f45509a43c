"""The connection to Temporal: ONE factory for the API, the workers, the tests and the replayer, and what a
namespace needs before our workflows can run in it. Who runs a server is `runtime.embedded.temporal`.
"""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import structlog
from google.protobuf.duration_pb2 import Duration
from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.namespace.v1 import NamespaceConfig, UpdateNamespaceInfo
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest, ListSearchAttributesRequest
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest, UpdateNamespaceRequest
from temporalio.client import Client
from temporalio.common import HeaderCodecBehavior
from temporalio.runtime import Runtime
from temporalio.service import GrpcCompression, RPCError, RPCStatusCode, TLSConfig

from domain.errors import Unavailable
from runtime.codec import data_converter
from runtime.config import retention_days, search_attributes
from runtime.interceptor import OriginInterceptor
from runtime.profile import connection_of
from runtime.settings import PREFIX, SettingError, Settings

_log = structlog.get_logger()

RETENTION = timedelta(days=retention_days())
_KEY_RECORD = "duradesk-encryption-key"
_VERIFY_WITHIN = 20.0
_AGAIN_AFTER = 0.1
_ALREADY_DONE = (RPCStatusCode.ALREADY_EXISTS, RPCStatusCode.INVALID_ARGUMENT)


async def connect(
    settings: Settings, *, address: str | None = None, lazy: bool = False, runtime: Runtime | None = None
) -> Client:
    """A client of the configured cluster and namespace; raises Unavailable when nobody answers.

    `lazy` connects at the first call, so a process can start while Temporal is away.
    """
    host = address or settings.temporal_address or f"127.0.0.1:{settings.temporal_port}"
    try:
        async with asyncio.timeout(settings.connect_timeout.total_seconds()):
            return await _connected(
                host,
                namespace=settings.temporal_namespace,
                data_converter=data_converter(settings.encryption_keys, settings.temporal_namespace),
                header_codec_behavior=HeaderCodecBehavior.CODEC,
                **_security(settings),
                lazy=lazy,
                runtime=runtime,
                grpc_compression=_compression(host),
                interceptors=[OriginInterceptor()],
            )
    except TimeoutError as error:
        raise Unavailable("temporal_away", f"Temporal does not answer at {host}.") from error


def _compression(host: str) -> GrpcCompression:
    """Nothing is compressed on the way to this very machine: it only costs time there."""
    return GrpcCompression.NONE if host.startswith(("127.", "localhost:", "[::1]")) else GrpcCompression.GZIP


async def _connected(host: str, **options: Any) -> Client:
    """Tries until it succeeds: a server that accepts connections may take a moment to be healthy."""
    while True:
        try:
            return await Client.connect(host, **options)
        except RuntimeError:
            await asyncio.sleep(_AGAIN_AFTER)


async def prepare_namespace(client: Client) -> None:
    """Keeps finished processes for at least 30 days. Repeating it changes nothing."""
    described = await client.workflow_service.describe_namespace(
        DescribeNamespaceRequest(namespace=client.namespace)
    )
    if described.config.workflow_execution_retention_ttl.ToTimedelta() >= RETENTION:
        return
    duration = Duration()
    duration.FromTimedelta(RETENTION)
    await client.workflow_service.update_namespace(
        UpdateNamespaceRequest(
            namespace=client.namespace, config=NamespaceConfig(workflow_execution_retention_ttl=duration)
        )
    )


async def recorded_key(client: Client) -> str | None:
    """The id of the key that this namespace's histories were last encrypted with, if they ever were."""
    described = await client.workflow_service.describe_namespace(
        DescribeNamespaceRequest(namespace=client.namespace)
    )
    return described.namespace_info.data.get(_KEY_RECORD) or None


async def check_key(client: Client, settings: Settings) -> None:
    """Raises SettingError if this part lacks the key of the histories: nothing could go on, and what it wrote
    would stand there in clear."""
    key_id = await recorded_key(client)
    if key_id is not None and key_id not in settings.encryption_keys().by_id:
        place = settings.encryption_key_file or f"{PREFIX}ENCRYPTION_KEY"
        raise SettingError(
            f"The workflow histories are encrypted with the key {key_id}, which is not in {place}. "
            "Put it back; docs/encryption.md tells what to do if it is lost."
        )


async def record_key(client: Client, settings: Settings) -> None:
    """Notes which key encrypts from now on, so that a part without it refuses to start."""
    await check_key(client, settings)
    key = settings.encryption_keys().encrypting
    wanted = key.id if key else ""
    if (await recorded_key(client) or "") == wanted:
        return
    try:
        await client.workflow_service.update_namespace(
            UpdateNamespaceRequest(
                namespace=client.namespace, update_info=UpdateNamespaceInfo(data={_KEY_RECORD: wanted})
            )
        )
    except RPCError as error:
        if error.status is not RPCStatusCode.PERMISSION_DENIED:
            raise
        _log.warning("encryption_key_not_recorded", key=wanted)


async def register_search_attributes(client: Client) -> None:
    """Returns when every search attribute of ours exists in the namespace. Repeating it changes nothing.

    A workflow that sets an unregistered one blocks forever, so no worker starts before this has returned.
    Raises RuntimeError when one has another type, or does not appear in time.
    """
    async with asyncio.timeout(_VERIFY_WITHIN):
        while missing := await missing_search_attributes(client):
            try:
                await client.operator_service.add_search_attributes(
                    AddSearchAttributesRequest(namespace=client.namespace, search_attributes=missing)
                )
            except RPCError as error:
                if error.status not in _ALREADY_DONE:
                    raise
            if await missing_search_attributes(client):
                await asyncio.sleep(0.1)


async def missing_search_attributes(client: Client) -> dict[str, IndexedValueType.ValueType]:
    """Those of ours that the namespace does not have; raises RuntimeError when one has another type."""
    wanted = {
        name: IndexedValueType.Value(f"INDEXED_VALUE_TYPE_{kind.upper()}")
        for name, kind in search_attributes().items()
    }
    return _missing(wanted, await _registered(client))


async def _registered(client: Client) -> dict[str, IndexedValueType.ValueType]:
    found = await client.operator_service.list_search_attributes(
        ListSearchAttributesRequest(namespace=client.namespace)
    )
    return dict(found.custom_attributes)


def _missing(
    wanted: dict[str, IndexedValueType.ValueType], registered: dict[str, IndexedValueType.ValueType]
) -> dict[str, IndexedValueType.ValueType]:
    for name, kind in wanted.items():
        if name in registered and registered[name] != kind:
            raise RuntimeError(
                f"The search attribute {name} has another type in this namespace; choose another one."
            )
    return {name: kind for name, kind in wanted.items() if name not in registered}


def _security(settings: Settings) -> dict[str, Any]:
    """TLS, API key and metadata, of the profile or of the settings; a key of the settings goes before."""
    key = settings.temporal_api_key.get_secret_value()
    if settings.temporal_config_file is None:
        return {"api_key": key or None, "tls": _tls(settings) or bool(key) or settings.temporal_tls}
    try:
        known = connection_of(settings.temporal_config_file, settings.temporal_profile)
    except ValueError as error:
        raise SettingError(f"{PREFIX}TEMPORAL_CONFIG_FILE: {error}") from None
    api_key = key or known.get("api_key")
    return {
        "api_key": api_key,
        "tls": known.get("tls", bool(api_key)),
        "rpc_metadata": known.get("rpc_metadata", {}),
    }


def _tls(settings: Settings) -> TLSConfig | None:
    names = ("server_ca_cert", "client_cert", "client_key")
    authority, certificate, key = (_read(settings, f"temporal_tls_{name}_path") for name in names)
    if not (authority or certificate or key or settings.temporal_tls_server_name):
        return None
    return TLSConfig(
        server_root_ca_cert=authority,
        domain=settings.temporal_tls_server_name or None,
        client_cert=certificate,
        client_private_key=key,
    )


def _read(settings: Settings, name: str) -> bytes | None:
    path: Path | None = getattr(settings, name)
    try:
        return path.read_bytes() if path else None
    except OSError as error:
        raise SettingError(f"{PREFIX}{name.upper()}: cannot read {path}: {error.strerror}.") from None
