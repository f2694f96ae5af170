"""What ray.init said."""

from __future__ import annotations

from typing import Optional

initialized: bool = False
address: Optional[str] = None
cpus: Optional[int] = None
