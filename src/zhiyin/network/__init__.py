"""一张网:gateways and devices: bytes come in, checked observations go on. Does not keep them."""
