"""The real `nats-server` with JetStream and MQTT, on free ports, in a folder of its own."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from zhiyin.cloud import free_port

_BINARY = Path(sys.executable).parent / "nats-server"


class Broker:
    """A running broker; `stop` and `start` keep ports and store, as a restart in life does."""

    def __init__(self, folder: Path) -> None:
        self.nats_port, self.mqtt_port = free_port(), free_port()
        self._config = folder / "nats.conf"
        self._config.write_text(
            f"listen: 127.0.0.1:{self.nats_port}\nserver_name: broker\n"
            f'jetstream {{store_dir: "{folder / "store"}"}}\n'
            f"mqtt {{listen: 127.0.0.1:{self.mqtt_port}}}\n"
        )
        self._process: subprocess.Popen[str] | None = None

    @property
    def mqtt(self) -> str:
        return f"127.0.0.1:{self.mqtt_port}"

    @property
    def nats(self) -> str:
        return f"nats://127.0.0.1:{self.nats_port}"

    def start(self) -> None:
        command = [str(_BINARY), "-c", str(self._config)]
        self._process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        assert self._process.stderr is not None
        for line in self._process.stderr:
            if "Server is ready" in line:
                break
        # The rest is read away, so that a full pipe never stops the broker.
        threading.Thread(target=self._process.stderr.read, daemon=True).start()

    def stop(self, sign: int = signal.SIGTERM) -> None:
        if self._process is not None:
            os.kill(self._process.pid, sign)
            self._process.wait()
            self._process = None


@contextmanager
def broker(folder: Path) -> Iterator[Broker]:
    """Run a broker for as long as the block lasts."""
    one = Broker(folder)
    one.start()
    try:
        yield one
    finally:
        one.stop()
