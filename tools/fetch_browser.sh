#!/usr/bin/env bash
# What the tests of the pages want: a Chromium, and axe-core, which looks for what keeps people out.
# Neither is needed to run anything; where one cannot be had, the tests that want it say so and skip.
set -uo pipefail
cd "$(dirname "$0")/.."
axe=axe-core@4.14.1
if ! command -v chromium >/dev/null && command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
    (apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium) >/dev/null 2>&1 ||
        echo "no chromium: the tests of the pages will be skipped"
fi
if [ ! -f .axe/package/axe.min.js ] && command -v npm >/dev/null; then
    mkdir -p .axe
    (cd .axe && npm pack --silent "$axe" >/dev/null 2>&1 && tar -xzf axe-core-*.tgz) ||
        echo "no $axe: the accessibility check will be skipped"
fi
exit 0
