#!/bin/sh
# bench.sh [PART…]: measures the queue in a release build; without a part, all of them.
#
# parts: disk enqueue drain latency idle recovery pages history peers
# databases lie in $TMPDIR, else /var/tmp: it must be a disk, not memory. Results go to stdout as Markdown tables.

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname -- "$0")/lib.sh"

say "building (release)" >&2
built=$(cargo build --release --message-format=json-render-diagnostics -p upkeep-worker -p upkeep-benches --bins --benches |
    sed -n 's/.*"executable":"\([^"]*\)".*/\1/p')
program=$(printf '%s\n' "$built" | grep '/queue-')
UPKEEP_BENCH_WORKER=$(printf '%s\n' "$built" | grep '/upkeep-worker$')
export UPKEEP_BENCH_WORKER

# the peer is optional: without pip, or without a way to a package index, it is left out
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

unset UPKEEP_HOME UPKEEP_DATABASE_URL
export RUST_LOG=off
exec "$program" "$@"
