#!/bin/sh
# build.sh: the UI, the desktop app, the worker program and the command line.
#
# RELEASE=1 builds optimised programs; a first such build takes more than twice as long.

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname -- "$0")/lib.sh"

scripts/setup.sh run
scripts/ui.sh build
if [ "${RELEASE:-}" = 1 ]; then
    cargo build --release -p upkeep -p upkeep-worker -p upkeep-ctl
else
    cargo build -p upkeep -p upkeep-worker -p upkeep-ctl
fi
