"""一门户:the public's surface."""

from zhiyin.portal.http import OpenWarnings, router
from zhiyin.portal.model import public_warnings

__all__ = ["OpenWarnings", "public_warnings", "router"]
