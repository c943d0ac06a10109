"""MQTT over TLS: a real client gets in with its certificate and password, and not without."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import msgspec
import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from tests.brains import until
from tests.network.authority import Authority, Given
from zhiyin import cloud
from zhiyin.cloud.broker import MqttUnusable
from zhiyin.kernel import new_id

QUOTED = 'pa"ss\\ 词$x'


class Broker:
    """nats-server by the configuration that the house writes."""

    def __init__(self, folder: Path) -> None:
        self.ca = Authority(folder / "ca")
        own = self.ca.give("localhost", server=True)
        (folder / "secret").write_text(QUOTED + "\n", "utf-8")
        self.settings = cloud.Settings(
            data_folder=str(folder / "var"),
            mqtt=cloud.MqttSettings(
                port=cloud.free_port(), tls=True, verify=True, user="gauges",
                secret=f"file:{folder / 'secret'}",
            ),
            tls=cloud.TlsSettings(
                certificate=str(own.certificate), key=str(own.key), client_ca=str(self.ca.file)
            ),
        )  # fmt: skip
        for name in ("run", "log", "bus"):
            (folder / "var" / name).mkdir(parents=True)
        self.config = cloud.write_config(self.settings, cloud.free_port(), mqtt=True)
        self.process = subprocess.Popen([cloud.binary(), "-c", str(self.config)])

    def publish(self, own: Given | None, password: str, *, tls: bool = True) -> bool:
        """Connect as a device and publish at QoS 1; False when it does not get so far."""
        client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=new_id())
        told: list[bool] = []
        client.on_connect = lambda *args: told.append(not args[3].is_failure)
        client.on_disconnect = lambda *_args: told.append(False)
        if tls:
            client.tls_set_context(self.ca.client(own))
        client.username_pw_set("gauges", password)
        try:
            client.connect("localhost", self.settings.mqtt.port)
            client.loop_start()
            until(lambda: told, 15, "the broker answers or hangs up")
            if not told[0]:
                return False
            sent = client.publish("v1/observations/x", b"1", 1)
            sent.wait_for_publish(10)
            return sent.is_published()
        except OSError:
            return False
        finally:
            client.loop_stop()
            client.disconnect()


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    one = Broker(tmp_path_factory.mktemp("mqtt"))
    try:
        own = one.ca.give("dev")
        until(lambda: one.publish(own, QUOTED), 30, "the broker takes a device")
        yield one
    finally:
        one.process.terminate()
        one.process.wait(10)


def test_who_has_certificate_and_password_gets_in_and_nobody_else(broker: Broker) -> None:
    own = broker.ca.give("dev")
    strange = Authority(broker.config.parent / "other", "other").give("dev")
    assert broker.publish(own, QUOTED)
    assert not broker.publish(own, "another")
    assert not broker.publish(None, QUOTED)
    assert not broker.publish(strange, QUOTED)
    assert not broker.publish(broker.ca.give("old", days=-2), QUOTED)
    assert not broker.publish(None, QUOTED, tls=False)
    assert broker.config.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    "wrong",
    [{"tls": False}, {"secret": ""}, {"user": ""}, {"secret": "file:/nowhere"}, {"user": "a\nb"}],
    ids=str,
)
def test_settings_that_cannot_be_are_told(broker: Broker, wrong: dict[str, str]) -> None:
    told = msgspec.structs.replace(broker.settings.mqtt, **wrong)
    settings = msgspec.structs.replace(
        broker.settings, mqtt=told, data_folder=str(broker.settings.folder)
    )
    with pytest.raises(MqttUnusable):
        cloud.write_config(settings, 1, mqtt=True)
    lost = msgspec.structs.replace(settings.tls, client_ca="/nowhere.pem")
    with pytest.raises(MqttUnusable):
        cloud.write_config(
            msgspec.structs.replace(settings, mqtt=broker.settings.mqtt, tls=lost), 1, mqtt=True
        )
