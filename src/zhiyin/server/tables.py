"""All tables of the house: importing this makes `Row.metadata` complete."""

import zhiyin.atlas.store
import zhiyin.command.store
import zhiyin.network.pull.store
import zhiyin.network.sensorthings.store
import zhiyin.network.store
import zhiyin.watch.store  # noqa: F401
from zhiyin.cloud import Row

METADATA = Row.metadata
