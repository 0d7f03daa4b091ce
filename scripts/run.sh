#!/bin/sh
# run.sh: builds Upkeep and opens the console; without a display, under Xvfb.
#
# RELEASE=1 runs the optimised build. RUN_SECONDS=N ends the app after N seconds, for scripts that try it:
# the exit code is then 0 when it was still running, and its own otherwise.

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname -- "$0")/lib.sh"

case ${RUN_SECONDS:-1} in
    *[!0-9]* | 0) die "RUN_SECONDS is '$RUN_SECONDS'" "give a whole number of seconds, or leave it away" ;;
esac

scripts/build.sh

if [ "${RELEASE:-}" = 1 ]; then app=$target/release/upkeep; else app=$target/debug/upkeep; fi

set -- "$app"
if [ -n "${RUN_SECONDS:-}" ]; then
    set -- timeout --kill-after=10 "$RUN_SECONDS" "$@"
fi
if ! has_session_bus; then
    set -- scripts/session.sh "$@"
fi
if ! has_display; then
    say "no display here (neither DISPLAY nor WAYLAND_DISPLAY is set): starting under Xvfb, so no window can be seen"
    set -- xvfb-run -a -s "-screen 0 1400x900x24" "$@"
fi

if [ -n "${UPKEEP_HOME:-}" ]; then
    say "data folder: $UPKEEP_HOME"
else
    say "data folder: ${XDG_DATA_HOME:-$HOME/.local/share}/upkeep (configuration: ${XDG_CONFIG_HOME:-$HOME/.config}/upkeep)"
fi
say "starting $app"

status=0
"$@" || status=$?
# 124 is how timeout says that the time was up with the app still running
if [ -n "${RUN_SECONDS:-}" ] && [ "$status" = 124 ]; then
    say "ended after $RUN_SECONDS s, as asked"
    status=0
fi
exit "$status"
