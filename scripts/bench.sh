#!/bin/sh
# bench.sh queue|cleanup|health|export|ui [PART…]: measures the queue, cleaning, looking at a host, reports, or the window, in a release build;
# without a part, all of them.
#
# queue: disk enqueue drain backlog latency idle recovery pages log statistics history peers
# cleanup: trees wide deep flat links, work preview clean, and absurd; SIZE="200000 1000000" files, ROUNDS=5,
#   PEERS=no leaves out everybody but find
# health: sample dashboard; DURATION=60 seconds of the dashboard
# export: SIZE=1000000 tasks; KEEP=folder keeps the pages of HTML there
# ui: start idle screen; ROUNDS=10 starts, DURATION=30 seconds of looking at an open window
# databases and trees lie in $TMPDIR, else /var/tmp: it must be a disk, not memory. Results go to stdout as Markdown tables.

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname -- "$0")/lib.sh"

what=${1:-}
case $what in
queue | cleanup | health | export | ui) shift ;;
*) die "bench.sh measures queue, cleanup, health, export or ui, not \`$what\`" "see the first lines of scripts/bench.sh" ;;
esac

say "building (release)" >&2
# the window is measured beside a trivial one, built with the same libraries
window=
if [ "$what" = ui ]; then
    scripts/setup.sh test >&2
    scripts/ui.sh build >&2
    window='-p upkeep --example trivial'
fi
# shellcheck disable=SC2086 # options are words
built=$(cargo build --release --message-format=json-render-diagnostics -p upkeep-worker -p upkeep-benches --bins --bench "$what" $window |
    sed -n 's/.*"executable":"\([^"]*\)".*/\1/p')
program=$(printf '%s\n' "$built" | grep "/$what-")
UPKEEP_BENCH_WORKER=$(printf '%s\n' "$built" | grep '/upkeep-worker$')
export UPKEEP_BENCH_WORKER
UPKEEP_BENCH_APP=$(printf '%s\n' "$built" | grep '/upkeep$' || true)
UPKEEP_BENCH_TRIVIAL=$(printf '%s\n' "$built" | grep '/trivial$' || true)
export UPKEEP_BENCH_APP UPKEEP_BENCH_TRIVIAL
UPKEEP_BENCH_SIZE=${SIZE:-}
UPKEEP_BENCH_ROUNDS=${ROUNDS:-}
UPKEEP_BENCH_PEERS=${PEERS:-}
UPKEEP_BENCH_SECONDS=${DURATION:-}
export UPKEEP_BENCH_SIZE UPKEEP_BENCH_ROUNDS UPKEEP_BENCH_PEERS UPKEEP_BENCH_SECONDS
UPKEEP_BENCH_KEEP=${KEEP:-}
[ -n "$UPKEEP_BENCH_KEEP" ] && export UPKEEP_BENCH_KEEP || unset UPKEEP_BENCH_KEEP

# some tools lie where only administrators look
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin

# the queue's peer is optional: without pip, or without a way to a package index, it is left out
case " ${*:-} " in *" peers "*)
    python=$target/bench-python/bin/python
    if ! "$python" -c 'import huey' 2>/dev/null; then
        python3 -m venv "$target/bench-python" >&2 &&
            "$python" -m pip install --quiet 'huey==3.5.4' >&2 ||
            note "huey cannot be installed here: it is left out" >&2
    fi
    if "$python" -c 'import huey' 2>/dev/null; then
        UPKEEP_BENCH_PYTHON=$python
        export UPKEEP_BENCH_PYTHON
    fi
    ;;
esac

# psutil is what the tests compare with, too, so `make setup` installs it
if [ "$what" = health ]; then
    # the system's package belongs to the system's python, which another one may stand before
    for python in python3 /usr/bin/python3; do
        if [ -z "${UPKEEP_BENCH_PYTHON:-}" ] && "$python" -c 'import psutil' 2>/dev/null; then
            UPKEEP_BENCH_PYTHON=$(command -v "$python")
            export UPKEEP_BENCH_PYTHON
        fi
    done
    [ -n "${UPKEEP_BENCH_PYTHON:-}" ] ||
        note "no python3 here has the module psutil (on Debian: python3-psutil): it is left out" >&2
fi

unset UPKEEP_HOME UPKEEP_DATABASE_URL
export RUST_LOG=off
if [ "$what" = ui ]; then
    # a display and a session of its own; one known language
    unset LC_ALL LANGUAGE WAYLAND_DISPLAY DBUS_SESSION_BUS_ADDRESS
    LANG=C.UTF-8 exec xvfb-run -a -s "-screen 0 1400x900x24" scripts/session.sh "$program" "$@"
fi
exec "$program" "$@"
