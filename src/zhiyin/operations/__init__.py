"""一平台:the staff's surfaces: wall and workbench composition."""

from zhiyin.operations.live import Hub
from zhiyin.operations.model import (
    CASES,
    WARNINGS,
    CaseDesk,
    District,
    Elements,
    LevelPanel,
    MachinePanel,
    OpenWarnings,
    StringKind,
    VitalSigns,
    WallScreen,
)
from zhiyin.operations.pulse import Pulse
from zhiyin.operations.section import SECTION, ScreensFile, screen_of
from zhiyin.operations.wall import Wall

__all__ = [
    "CASES", "SECTION", "WARNINGS", "CaseDesk", "District", "Elements", "Hub", "LevelPanel",
    "MachinePanel", "OpenWarnings", "Pulse", "ScreensFile", "StringKind", "VitalSigns", "Wall",
    "WallScreen", "screen_of",
]  # fmt: skip
