"""一平台:the staff's surfaces: wall and workbench composition."""

from zhiyin.operations.http import router
from zhiyin.operations.live import Hub
from zhiyin.operations.model import (
    CASES,
    SEVEN,
    WARNINGS,
    CaseDesk,
    District,
    Elements,
    OpenWarnings,
    StringKind,
    VitalSigns,
    WallScreen,
)
from zhiyin.operations.pulse import Pulse
from zhiyin.operations.wall import Wall

__all__ = [
    "CASES", "SEVEN", "WARNINGS", "CaseDesk", "District", "Elements", "Hub", "OpenWarnings",
    "Pulse", "StringKind", "VitalSigns", "Wall", "WallScreen", "router",
]  # fmt: skip
