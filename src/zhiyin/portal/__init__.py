"""一门户:the public's surface."""
