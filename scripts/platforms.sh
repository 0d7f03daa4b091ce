#!/bin/sh
# platforms.sh: checks and lints what cleans and looks at a host for macOS and Windows, too. Nothing is linked,
# so no compiler of those systems is needed; Rust's own library for each of them is, and rustup brings it.
#
# a machine without rustup, or without a network, is told what was not checked, and that is no failure.

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname -- "$0")/lib.sh"

# what an operation needs of a system lies in these
crates="upkeep-contract upkeep-config upkeep-operations"
# the queue bundles SQLite, and its C takes a compiler of the system
with_c="upkeep-queue upkeep-worker"

has_target() {
    sysroot=$(rustc --print sysroot) && [ -d "$sysroot/lib/rustlib/$1/lib" ]
}

# rustup may want the network: it gets a minute
add_target() {
    command -v rustup >/dev/null 2>&1 && timeout 60 rustup target add "$1" >/dev/null 2>&1 && has_target "$1"
}

checked=0
# check TARGET NAME COMPILER: the compiler of that system's C, where there is a free one
check() {
    say "$2 ($1)"
    if ! has_target "$1" && ! add_target "$1"; then
        note "not checked: Rust's library for $1 is not here and could not be fetched"
        note "with rustup and a network: rustup target add $1"
        return 0
    fi
    these=$crates
    if [ -n "$3" ] && command -v "$3" >/dev/null 2>&1; then
        these="$crates $with_c"
    else
        note "not checked: $with_c (SQLite takes a C compiler for $2${3:+: $3})"
    fi
    # in words, for want of arrays
    packages=
    for crate in $these; do packages="$packages -p $crate"; done
    # shellcheck disable=SC2086 # names of packages are words
    cargo clippy $packages --lib --target "$1" -- -D warnings
    checked=$((checked + 1))
}

check x86_64-pc-windows-gnu Windows x86_64-w64-mingw32-gcc
check aarch64-apple-darwin macOS ''

say "checked for $checked of 2 other systems"
