"""Client profiles: how a Temporal cluster is reached, from a TOML file in Temporal's own format.

`runtime.settings` asks for the address and the namespace, `runtime.temporal` for the rest. The file is read by
Temporal's SDK, whose format it is; its environment variables (`TEMPORAL_…`) are not looked at.
"""

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from temporalio.envconfig import ClientConnectConfig

_PLACES = ("address", "namespace")


def place_of(file: Path, profile: str) -> dict[str, str]:
    """The address and the namespace that a profile names; raises ValueError, in one line.

    Read without the SDK, which takes long to import, as every command needs its settings.
    """
    try:
        profiles = tomllib.loads(file.read_text())["profile"]
    except OSError as error:
        raise ValueError(f"cannot read {file}: {error.strerror}") from None
    except (ValueError, KeyError):
        raise ValueError(f"{file} is not a file of client profiles") from None
    if profile not in profiles:
        raise ValueError(f"{file} has no profile {profile}, only {', '.join(sorted(profiles))}")
    found = {name: profiles[profile][name] for name in _PLACES if name in profiles[profile]}
    if "address" not in found:
        raise ValueError(f"the profile {profile} of {file} names no address")
    return found


def connection_of(file: Path, profile: str) -> "ClientConnectConfig":
    """All that a client connects with; raises ValueError for what the SDK does not know or cannot read."""
    from temporalio.envconfig import ClientConfigProfile  # noqa: PLC0415  see place_of

    try:
        loaded = ClientConfigProfile.load(
            profile, config_source=file, disable_env=True, config_file_strict=True
        )
        return loaded.to_client_connect_config()
    except (RuntimeError, ValueError, OSError) as error:
        raise ValueError(" ".join(str(error).split())) from None
