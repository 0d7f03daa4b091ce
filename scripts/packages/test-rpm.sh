# shellcheck shell=sh disable=SC2154
# the rpms, as far as a Debian can judge them: package-test.sh. sourced, never run. They were not installed on a
# system of Fedora's; here they are unpacked by rpm into an empty folder, without their scripts.

into_the_folder() {
    rpm --root "$place/rpm" --nodeps --noscripts --nosignature "$@"
}

look_at_rpm() {
    rm -rf "$place/rpm" "$place/deb"
    mkdir -p "$place/rpm" "$place/deb"
    for name in upkeep-worker upkeep; do
        file=$(find "$packages" -name "$name-[0-9]*.rpm")
        fact "$name: its digests fit" rpm -K --nosignature "$file"
        rpm -qp --requires "$file" >>"$log" 2>&1
        fact "$name: it needs libraries by their names" sh -c "rpm -qp --requires '$file' | grep -q '^libc.so.6'"
        into_the_folder -i "$file" >>"$log" 2>&1 || die "rpm -i failed" "see $log"
        dpkg-deb -x "$(find "$packages" -name "${name}_*_$deb_arch.deb")" "$place/deb"
    done
    fact "upkeep-worker: its configuration files are known as such" sh -c \
        "rpm -qpc '$(find "$packages" -name 'upkeep-worker-[0-9]*.rpm')' | grep -qx /etc/upkeep/worker.env"
    fact "the programs and units are those of the debs" sh -c "cd '$place/deb' && find usr/bin usr/lib -type f -exec sha256sum {} + | (cd '$place/rpm' && sha256sum -c)"
    into_the_folder -e upkeep upkeep-worker >>"$log" 2>&1 || die "rpm -e failed" "see $log"
    fact "removed, nothing of it is left" sh -c "! find '$place/rpm' -path '$place/rpm/var' -prune -o -iname '*upkeep*' -print | grep ."
    rm -rf "$place/rpm" "$place/deb"
}
