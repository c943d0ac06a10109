#!/usr/bin/env bash
# Installs Chromium for the browser tests where this machine allows it; they are skipped elsewhere.
set -u
for name in chromium chromium-browser google-chrome; do
  command -v "$name" >/dev/null 2>&1 && exit 0
done
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
  echo "zhiyin: installing Chromium for the browser tests …"
  { apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium fonts-noto-cjk; } >/dev/null 2>&1 && exit 0
fi
echo "zhiyin: no Chromium here and none could be installed; the browser tests will be skipped"
exit 0
