"""一平台:the staff's surfaces: wall and workbench composition."""
