"""Files that only their owner may read: passwords, sessions, keys. What is in them is their writers' business."""

import os
from pathlib import Path


def write_private(path: Path, content: str) -> None:
    """Puts `content` in place whole or not at all, readable by the owner only, and on the disk on return."""
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as target:
        target.write(content)
        target.flush()
        os.fsync(target.fileno())
    fresh.replace(path)
