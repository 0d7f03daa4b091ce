#!/bin/sh
# ui.sh [deps|build]: the packages of the UI, and the UI itself in ui/dist, each only when something changed.
#
# what was done is remembered inside ui/node_modules, so that removing that folder forgets it too.

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname -- "$0")/lib.sh"

lock=ui/package-lock.json
lock_done=ui/node_modules/.upkeep-lock
dist_done=ui/node_modules/.upkeep-dist

deps() {
    cmp -s "$lock" "$lock_done" && return 0
    say "ui: installing packages (npm ci)"
    in_ui npm ci --no-audit --no-fund --loglevel=error </dev/null
    cp "$lock" "$lock_done"
}

# one checksum over the names and contents of all that a build reads; times would lie after a checkout
fingerprint() {
    find ui \( -name node_modules -o -name dist -o -name coverage -o -name test-results \) -prune -o -type f -print0 |
        LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum
}

build() {
    deps
    now=$(fingerprint)
    if [ -f ui/dist/index.html ] && [ -f "$dist_done" ] && [ "$now" = "$(cat "$dist_done")" ]; then
        return 0
    fi
    say "ui: building"
    rm -f "$dist_done"
    in_ui npm run --silent build </dev/null
    [ -f ui/dist/index.html ] || die "the build of the UI left no ui/dist/index.html"
    printf '%s\n' "$now" >"$dist_done"
}

case ${1:-build} in
    deps) deps ;;
    build) build ;;
    *) die "unknown step '$1'" "use: scripts/ui.sh [deps|build]" ;;
esac
