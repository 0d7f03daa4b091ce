#!/bin/sh
# package-test.sh: installs the packages of target/package in a fresh Debian, uses them, and removes them again.
#
# takes root, and leaves this system as it was: all happens in a folder below target/, in namespaces of mounts and
# processes that end with the script. The bare system is fetched once (debootstrap, with this machine's apt
# configuration) and kept in target/package-test for the next time.
#
# there is no systemd running in it. What the unit's sandbox would allow is made by hand from the unit and the
# drop-in: its user, no capabilities, no new privileges, everything read-only but the folders these name. The
# filter of system calls, the limits on address families and the devices are not tried here.

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname -- "$0")/lib.sh"

suite=bookworm
packages=$target/package
place=$target/package-test

if [ "${1:-}" != inside ]; then
    [ "$(id -u)" = 0 ] || die "this takes root: it mounts, changes roots and users" "try: sudo make test-package"
    [ -f "$packages/SHA256SUMS" ] || die "there are no packages in $packages" "first: make package"
    scripts/setup.sh package-test
    mkdir -p "$place"
    exec unshare --mount --propagation private --pid --fork --kill-child --mount-proc "$0" inside
fi

(cd "$packages" && sha256sum --quiet -c SHA256SUMS) || die "the checksums do not fit the packages"
deb_arch=$(dpkg --print-architecture)
worker_deb=$(find "$packages" -name "upkeep-worker_*_$deb_arch.deb")
desktop_deb=$(find "$packages" -name "upkeep_*_$deb_arch.deb")
root_of_it=$place/root
log=$place/log
: >"$log"

# fact WORDS COMMAND…: what is claimed, and a command that succeeds when it is true
count=0
fact() {
    words=$1
    shift
    if "$@" >"$place/said" 2>&1; then
        count=$((count + 1))
        note "ok: $words"
    else
        sed 's/^/    | /' "$place/said" >&2
        die "not true: $words" "the log of what was done: $log"
    fi
    cat "$place/said" >>"$log"
}
not() { ! "$@"; }

# there COMMAND…: in the fresh system, as root, with nothing of this one's environment
there() {
    env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 DEBIAN_FRONTEND=noninteractive \
        chroot "$root_of_it" "$@" </dev/null
}
in_it() { there sh -c "$1"; }

# shellcheck source=packages/test-system.sh
. scripts/packages/test-system.sh
# shellcheck source=packages/test-worker.sh
. scripts/packages/test-worker.sh
# shellcheck source=packages/test-desktop.sh
. scripts/packages/test-desktop.sh
# shellcheck source=packages/test-rpm.sh
. scripts/packages/test-rpm.sh

began=$(date +%s)
make_system
trap 'take_down' EXIT
try_tarball
say "installing upkeep-worker"
install_worker
look_at_units
say "working as the user upkeep, in the sandbox of the unit"
work
serve
say "upkeep in a window"
install_desktop
open_window
say "removing"
remove
purge
say "rpm"
look_at_rpm
say "$count facts hold, in $(($(date +%s) - began)) s"
note "the window: $place/window.png"
