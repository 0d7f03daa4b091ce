# shellcheck shell=sh disable=SC2154
# the fresh system of package-test.sh: made, entered, compared before and after. sourced, never run.

# the names of all files but those in which package managers keep their books
inventory() {
    (cd "$root_of_it" && find . -xdev \
        \( -path ./var/lib/dpkg -o -path ./var/log -o -path ./var/cache -o -path ./var/lib/apt -o -path ./proc \
        -o -path ./dev -o -path ./sys -o -path ./tmp -o -path ./run -o -path ./packages \) -prune -o -print | LC_ALL=C sort)
}

make_system() {
    base=$place/base-$suite
    if [ ! -f "$base/complete" ]; then
        say "fetching a bare Debian $suite (debootstrap, once)"
        rm -rf "$base"
        debootstrap --variant=minbase "$suite" "$base" >"$place/debootstrap.log" 2>&1 ||
            die "debootstrap failed" "see $place/debootstrap.log"
        # mirrors, proxies and keys of this machine, for the same Debian
        cp -a /etc/apt/apt.conf.d/. "$base/etc/apt/apt.conf.d/"
        rm -f "$base"/etc/apt/apt.conf.d/20packagekit "$base"/etc/apt/apt.conf.d/50appstream
        cp -L /etc/resolv.conf "$base/etc/resolv.conf" 2>/dev/null || true
        root_of_it=$base
        in_it 'apt-get -qq update' >>"$log" 2>&1 || die "apt-get update failed in the fresh system" "see $log"
        with_libraries
        touch "$base/complete"
    fi
    say "a fresh system in $place/root"
    root_of_it=$place/root
    rm -rf "$root_of_it"
    cp -a "$base" "$root_of_it"
    rm "$root_of_it/complete"
    mount --bind "$root_of_it" "$root_of_it"
    mount -t proc proc "$root_of_it/proc"
    mount --rbind /sys "$root_of_it/sys"
    mount -t tmpfs -o mode=755 tmpfs "$root_of_it/dev"
    for device in null zero full random urandom tty; do
        touch "$root_of_it/dev/$device"
        mount --bind "/dev/$device" "$root_of_it/dev/$device"
    done
    ln -s /proc/self/fd "$root_of_it/dev/fd"
    mkdir -m 1777 "$root_of_it/dev/shm"
    with_libraries
    # a person at a screen
    there useradd --create-home person
    inventory >"$place/before"
}

# every process and mount ends with the namespaces; what is kept is the log, the picture and the bare system
take_down() {
    umount -R -l "$root_of_it" 2>/dev/null || true
    rm -rf --one-file-system "$root_of_it"
}

# the packages lie in /packages; what they need is installed, they are not. a desktop has a bus and a font anyway
with_libraries() {
    mkdir -p "$root_of_it/packages"
    cp "$worker_deb" "$root_of_it/packages/worker.deb"
    cp "$desktop_deb" "$root_of_it/packages/desktop.deb"
    for deb in worker desktop; do
        needs=$(dpkg-deb -f "$root_of_it/packages/$deb.deb" Depends)
        there apt-get -qq -y --no-install-recommends satisfy "$needs, dbus, fonts-dejavu-core" >>"$log" 2>&1 ||
            die "what the packages need cannot be installed" "see $log"
    done
}

# sandboxed COMMAND…: as the unit and its drop-ins would run it
sandboxed() {
    unit=$root_of_it/usr/lib/systemd/system/upkeep-worker@.service
    drop_ins=$root_of_it/etc/systemd/system/upkeep-worker@.service.d
    writable="/var/lib/$(sed -n 's/^StateDirectory=//p' "$unit") $(cat "$drop_ins"/*.conf 2>/dev/null |
        sed -n 's/^ReadWritePaths=//p' | tr '\n' ' ' | sed 's/\(^\| \)-/ /g')"
    user=$(sed -n 's/^User=//p' "$unit")
    ROOT=$root_of_it WRITABLE=$writable unshare --mount --propagation private sh -euc '
        mount --rbind "$ROOT" "$ROOT"
        mount -o remount,bind,ro "$ROOT"
        for path in $WRITABLE; do
            [ -d "$ROOT$path" ] || continue
            mount --bind "$ROOT$path" "$ROOT$path"
            mount -o remount,bind,rw "$ROOT$path"
        done
        exec chroot "$ROOT" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin "$@"' sh \
        setpriv --reuid "$user" --regid "$user" --clear-groups --no-new-privs --bounding-set -all --inh-caps -all \
        env LANG=C.UTF-8 UPKEEP_HOME=/var/lib/upkeep TMPDIR=/var/lib/upkeep/tmp "$@" </dev/null
}

# as_user COMMAND…: as an operator would, in a shell of the user upkeep, outside of the sandbox
as_user() {
    there setpriv --reuid upkeep --regid upkeep --clear-groups \
        env UPKEEP_HOME=/var/lib/upkeep NO_COLOR=1 "$@"
}
