"""OGC SensorThings API 1.1, Part 1 Sensing (18-088), over the house's register and lake.

Entities are rows of the operations store; numeric observations go through the front door onto the
stream and are read back from the lake; `docs/protocols/sensorthings.md` says what holds.
"""
