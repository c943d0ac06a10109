"""All tables of the house: importing this makes `Row.metadata` complete."""

from zhiyin.cloud import Row

METADATA = Row.metadata
