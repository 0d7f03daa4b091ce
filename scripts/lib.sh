# shellcheck shell=sh disable=SC2034
# what every script here shares: where the project is, how to speak, and the environment the tools run in.
# sourced, never run; it does no work of its own.

set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
cd "$root"

# a recursive make hands its job server down, which cargo and npm then warn about
unset MAKEFLAGS MFLAGS MAKELEVEL

HOME=${HOME:-$(getent passwd "$(id -u)" | cut -d: -f6)}
export HOME

# rustup installs here and asks for a new shell; the old one should do as well
if ! command -v cargo >/dev/null 2>&1 && [ -x "${CARGO_HOME:-$HOME/.cargo}/bin/cargo" ]; then
    PATH=${CARGO_HOME:-$HOME/.cargo}/bin:$PATH
    export PATH
fi

target=${CARGO_TARGET_DIR:-$root/target}

say() { printf '==> %s\n' "$*"; }
note() { printf '    %s\n' "$*"; }
die() {
    printf 'error: %s\n' "$1" >&2
    shift
    for line in "$@"; do printf '       %s\n' "$line" >&2; done
    exit 1
}

# at_least HAVE WANT: is the dotted version HAVE not older than WANT?
at_least() {
    [ "$(printf '%s\n%s\n' "$2" "$1" | LC_ALL=C sort -V | head -n 1)" = "$2" ]
}

in_ui() { (cd "$root/ui" && "$@"); }

has_display() { [ -n "${DISPLAY:-}" ] || [ -n "${WAYLAND_DISPLAY:-}" ]; }

has_session_bus() {
    [ -n "${DBUS_SESSION_BUS_ADDRESS:-}" ] || [ -S "${XDG_RUNTIME_DIR:-/nonexistent}/bus" ]
}
