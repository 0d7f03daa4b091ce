#!/bin/sh
# test.sh [all|lint|ui|rust|e2e]: the checks and tests, stage by stage; the first stage that fails ends it.
#
# everything that may open a window runs on a display and a session bus of its own.

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname -- "$0")/lib.sh"

# one known environment, so that a test says the same on every machine. LANG and not LC_ALL, so that a test can change it
unset LC_ALL LANGUAGE UPKEEP_HOME UPKEEP_DATABASE_URL RUST_LOG
export LANG=C.UTF-8

# a test that forgets to name its own folders must not meet the tester's
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
trap 'exit 130' INT TERM

logs=$target/test-logs
mkdir -p "$logs"
rm -f "$logs"/*.log
summary=

# stage NAME COMMAND…: runs it, shows and keeps its output, and notes how long it took
stage() {
    name=$1
    shift
    say "$name"
    log=$logs/$(printf '%s' "$name" | tr -cs 'a-z0-9\n' '-').log
    started=$(date +%s)
    # a pipe would hide the command's own exit code
    { status=0; "$@" </dev/null || status=$?; echo "$status" >"$log.status"; } 2>&1 | tee "$log"
    status=$(cat "$log.status")
    rm -f "$log.status"
    summary="$summary$(printf '%6s s  %s' "$(($(date +%s) - started))" "$name")
"
    if [ "$status" != 0 ]; then
        report
        die "stage failed: $name (exit code $status)" "its output is in $log"
    fi
}

report() {
    printf '\n%s' "$summary"
}

# the sum over the closing lines of cargo test, vitest and playwright
count_passed() {
    cat "$logs"/*.log | awk '
        /^test result: ok\./ { sum += $4 }
        /^ *Tests +[0-9]+ passed/ { sum += $2 }
        /^ *[0-9]+ passed \([0-9.]+[a-z]+\)$/ { sum += $1 }
        END { print sum + 0 }'
}

# a display, a session bus and user folders of our own: nothing opens on the tester's screen or touches their files
on_a_desktop() {
    (umask 077 && cd "$scratch" && mkdir -p config data cache state run)
    env -u WAYLAND_DISPLAY -u DBUS_SESSION_BUS_ADDRESS \
        XDG_CONFIG_HOME="$scratch/config" XDG_DATA_HOME="$scratch/data" XDG_CACHE_HOME="$scratch/cache" \
        XDG_STATE_HOME="$scratch/state" XDG_RUNTIME_DIR="$scratch/run" \
        xvfb-run -a -s "-screen 0 1400x900x24" scripts/session.sh "$@"
}

npm_run() { in_ui npm run --silent "$1"; }

# every integration test of the workspace but the desktop's, as arguments for cargo
test_targets() {
    cargo metadata --no-deps --format-version 1 | node -e '
        const { packages } = JSON.parse(require("node:fs").readFileSync(0, "utf8"));
        const tests = packages.flatMap((p) => p.targets).filter((t) => t.kind.includes("test"));
        const names = [...new Set(tests.map((t) => t.name))].filter((name) => name !== "desktop");
        console.log(names.flatMap((name) => ["--test", name]).join(" "));'
}

ui_lint() {
    stage "ui: lint" npm_run lint
    stage "ui: types" npm_run check
}

rust_lint() {
    stage "rust: format" cargo fmt --all --check
    stage "rust: lint" cargo clippy --workspace --all-targets -- -D warnings
    stage "rust: other systems" scripts/platforms.sh
}

ui_tests() { stage "ui: tests" npm_run test; }

# every cargo call below selects the whole workspace: another selection would build the dependencies again with other features.
# the programs are built first because the tests start them
rust_build() { stage "rust: build" cargo build --workspace --lib --bins --tests; }

rust_tests() {
    targets=$(test_targets)
    # they wait more than they work (leases, time limits): two threads keep 37 % of two cores busy
    threads=$((2 * $(nproc)))
    stage "rust: doc tests" cargo test --workspace --doc
    # shellcheck disable=SC2086 # names of targets are words
    stage "rust: tests" on_a_desktop env RUST_TEST_THREADS="$threads" \
        cargo test --workspace --no-fail-fast --lib --bins $targets
    # the way of deleting of other systems, on this one: the same suite once more
    stage "rust: cleaning as elsewhere" on_a_desktop env RUST_TEST_THREADS="$threads" \
        cargo test --workspace --no-fail-fast \
        --features upkeep-operations/portable --test cleaning --test attacks --test everywhere
}

# one webview at a time
desktop_tests() {
    stage "desktop: tests" on_a_desktop cargo test --workspace --test desktop -- --test-threads=1
}

# the real server and Chromium
browser_tests() { stage "browser: tests" npm_run test:browser; }

what=${1:-all}
case $what in all | lint | ui | rust | e2e) ;; *) die "unknown set of tests '$what'" "use: scripts/test.sh [all|lint|ui|rust|e2e]" ;; esac

began=$(date +%s)
scripts/setup.sh test
case $what in
    ui) scripts/ui.sh deps ;;
    # the app embeds ui/dist, so not even its lint runs without
    *) scripts/ui.sh build ;;
esac

case $what in
    all) ui_lint; ui_tests; rust_lint; rust_build; rust_tests; desktop_tests; browser_tests ;;
    lint) ui_lint; rust_lint ;;
    ui) ui_lint; ui_tests ;;
    rust) rust_build; rust_tests ;;
    e2e) rust_build; desktop_tests; browser_tests ;;
esac

report
[ "$what" != lint ] || { say "all clean in $(($(date +%s) - began)) s"; exit 0; }
# a run that found no test has proved nothing
passed=$(count_passed)
[ "$passed" -gt 0 ] || die "no test was run"
say "all passed in $(($(date +%s) - began)) s"
printf '%s passed, 0 failed\n' "$passed"
