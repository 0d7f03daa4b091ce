#!/bin/sh
# package.sh: packages of Upkeep in target/package: deb and rpm of the desktop app; deb, rpm and a tarball of the
# worker with the command line; lists of what they are built of; and the checksums of all.
#
# each program is built once and staged once as a tree; deb and rpm are two wrappings of that tree, so that they
# cannot differ. The same programs give the same packages, byte by byte (the time is that of the last commit).

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname -- "$0")/lib.sh"

scripts/setup.sh package

version=$(sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"/\1/p' Cargo.toml)
machine=$(uname -m)
deb_arch=$(dpkg --print-architecture)
gnu=$machine-unknown-linux-gnu
musl=$machine-unknown-linux-musl
release=$target/release
out=$target/package
stage=$target/package-stage
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || stat -c %Y CHANGELOG.md)}
export SOURCE_DATE_EPOCH

# ---- building ----

build() {
    scripts/ui.sh build
    say "building the programs (release)"
    cargo build --release --locked -p upkeep -p upkeep-worker -p upkeep-ctl --features upkeep/custom-protocol
}

# the programs of the tarball have their C library in them, so that they run on any Linux of this machine's kind.
# without Rust's library for that, or without a compiler, they are those of the packages, and the name says so
build_static() {
    sysroot=$(rustc --print sysroot)
    if [ ! -d "$sysroot/lib/rustlib/$musl/lib" ] && command -v rustup >/dev/null 2>&1; then
        timeout 120 rustup target add "$musl" >/dev/null 2>&1 || true
    fi
    if [ ! -d "$sysroot/lib/rustlib/$musl/lib" ] || ! command -v musl-gcc >/dev/null 2>&1; then
        note "no static programs: that takes musl-gcc, and \`rustup target add $musl\`"
        tarball_programs=$release
        tarball_target=$gnu
        return 0
    fi
    say "building the static programs (release, $musl)"
    compiler=CC_$(printf '%s' "$musl" | tr - _)
    env "$compiler=musl-gcc" cargo build --release --locked --target "$musl" -p upkeep-worker -p upkeep-ctl
    tarball_programs=$target/$musl/release
    tarball_target=$musl
}

# ---- what goes into the packages ----

put() { install -D -m "$1" "$2" "$3"; }
put_gzip() { mkdir -p "$(dirname "$2")" && gzip -9nc "$1" >"$2" && chmod 644 "$2"; }

# documents TREE NAME TARGET PACKAGE…: licences, lists and the changelog of a package
documents() {
    tree=$1 name=$2 for=$3
    shift 3
    documents=$tree/usr/share/doc/$name
    mkdir -p "$documents"
    node scripts/packages/licences.mjs "$for" "$documents/licences.txt" "$@"
    node scripts/packages/sbom.mjs "$for" "$documents/sbom.cdx.json" "$@"
    put_gzip CHANGELOG.md "$documents/changelog.gz"
    put 644 LICENSE-MIT "$documents/LICENSE-MIT"
    put 644 LICENSE-APACHE "$documents/LICENSE-APACHE"
    put 644 docs/install.md "$documents/install.md"
}

# shell_files PROGRAM TREE: manual and completions, which the program writes itself. it needs no installation for that
shell_files() {
    program=$1 tree=$2
    name=$(basename "$program")
    manual=$tree/usr/share/man/man1
    mkdir -p "$manual"
    "$program" man --dir "$manual" >/dev/null
    for shell in bash zsh fish; do
        case $shell in
            bash) file=$tree/usr/share/bash-completion/completions/$name ;;
            zsh) file=$tree/usr/share/zsh/site-functions/_$name ;;
            fish) file=$tree/usr/share/fish/vendor_completions.d/$name.fish ;;
        esac
        mkdir -p "$(dirname "$file")"
        "$program" completions "$shell" >"$file"
    done
}

stage_worker() {
    tree=$stage/upkeep-worker
    for program in upkeep-worker upkeepctl; do
        put 755 "$release/$program" "$tree/usr/bin/$program"
        shell_files "$release/$program" "$tree"
    done
    gzip -9n "$tree"/usr/share/man/man1/*.1
    for unit in packaging/systemd/*.service; do
        put 644 "$unit" "$tree/usr/lib/systemd/system/$(basename "$unit")"
    done
    put 644 packaging/sysusers.d/upkeep.conf "$tree/usr/lib/sysusers.d/upkeep.conf"
    put 644 packaging/tmpfiles.d/upkeep.conf "$tree/usr/lib/tmpfiles.d/upkeep.conf"
    put 600 packaging/etc/worker.env "$tree/etc/upkeep/worker.env"
    put 600 packaging/etc/server.env "$tree/etc/upkeep/server.env"
    documents "$tree" upkeep-worker "$gnu" upkeep-worker upkeep-ctl
    for example in packaging/examples/*; do
        put 644 "$example" "$tree/usr/share/doc/upkeep-worker/examples/$(basename "$example")"
    done
}

stage_desktop() {
    tree=$stage/upkeep
    put 755 "$release/upkeep" "$tree/usr/bin/upkeep"
    put 644 packaging/desktop/io.upkeep.console.desktop "$tree/usr/share/applications/io.upkeep.console.desktop"
    put 644 packaging/desktop/io.upkeep.console.metainfo.xml "$tree/usr/share/metainfo/io.upkeep.console.metainfo.xml"
    icons=$tree/usr/share/icons/hicolor
    for icon in 32x32:32x32.png 128x128:128x128.png 256x256:128x128@2x.png 512x512:icon.png; do
        put 644 "icons/${icon#*:}" "$icons/${icon%%:*}/apps/io.upkeep.console.png"
    done
    put 644 icons/upkeep.svg "$icons/scalable/apps/io.upkeep.console.svg"
    put_gzip packaging/desktop/upkeep.1 "$tree/usr/share/man/man1/upkeep.1.gz"
    documents "$tree" upkeep "$gnu" upkeep
}

# what is unpacked in /usr/local: no configuration, as that would lie where nothing looks for it
stage_tarball() {
    tarball=upkeep-worker-$version-$tarball_target
    tree=$stage/tarball/$tarball
    mkdir -p "$tree"
    for program in upkeep-worker upkeepctl; do
        put 755 "$tarball_programs/$program" "$tree/bin/$program"
    done
    cp -a "$stage/upkeep-worker/usr/share" "$stage/upkeep-worker/usr/lib" "$tree/"
    cp -a "$stage/upkeep-worker/etc/upkeep/." "$tree/share/doc/upkeep-worker/examples/"
    documents=$tree/share/doc/upkeep-worker
    node scripts/packages/licences.mjs "$tarball_target" "$documents/licences.txt" upkeep-worker upkeep-ctl
    node scripts/packages/sbom.mjs "$tarball_target" "$documents/sbom.cdx.json" upkeep-worker upkeep-ctl
    links=$(ldd "$tree/bin/upkeep-worker" 2>&1 | sed 's/^[[:space:]]*//') || true
    {
        echo "Upkeep $version for $tarball_target: the worker, the command line, and units of systemd."
        echo
        echo "Unpack it where programs that no package manager knows belong:"
        echo
        echo "    tar -C /usr/local --strip-components=1 --no-same-owner -xzf $tarball.tar.gz"
        echo
        echo "share/doc/upkeep-worker/install.md says what then. The programs link:"
        echo
        printf '%s\n' "$links" | sed 's/^/    /'
    } >"$documents/README"
    note "the programs of the tarball link: $(printf '%s\n' "$links" | sed 's/ .*=>.*//; s/ (0x.*//' | paste -sd ' ')"
}

# ---- wrapping ----

# every time in a tree is that of the sources
settle() {
    find "$1" -print0 | xargs -0 touch --no-dereference --date="@$SOURCE_DATE_EPOCH"
}

# the libraries that these programs need, as Debian's packages with their versions
libraries() {
    work=$(mktemp -d)
    mkdir "$work/debian"
    printf 'Source: upkeep\n\nPackage: upkeep\nArchitecture: any\n' >"$work/debian/control"
    (cd "$work" && dpkg-shlibdeps -O "$@" 2>/dev/null) | sed -n 's/^shlibs:Depends=//p'
    rm -rf "$work"
}

# deb NAME: the staged tree as a package of Debian
deb() {
    name=$1
    tree=$stage/deb/$name
    mkdir -p "$stage/deb"
    cp -a "$stage/$name" "$tree"
    documents=$tree/usr/share/doc/$name
    # Debian has its own places for these
    rm "$documents/LICENSE-MIT" "$documents/LICENSE-APACHE"
    gzip -9n "$documents/licences.txt"
    awk -v mit=LICENSE-MIT '
        $0 == "@MIT@" { while ((getline line < mit) > 0) print (line == "" ? " ." : " " line); next }
        { print }' packaging/deb/copyright >"$documents/copyright"
    if [ -d "$tree/usr/share/zsh" ]; then
        mv "$tree/usr/share/zsh/site-functions" "$tree/usr/share/zsh/vendor-completions"
    fi
    overrides=packaging/deb/$name.lintian-overrides
    [ ! -f "$overrides" ] || put 644 "$overrides" "$tree/usr/share/lintian/overrides/$name"

    mkdir "$tree/DEBIAN"
    # shellcheck disable=SC2046 # names of programs are words
    depends=$(libraries $(find "$tree/usr/bin" -type f))
    [ -n "$depends" ] || die "dpkg-shlibdeps found no library that $name needs"
    # only the date of the build may not be in it
    size=$(du -k --apparent-size -s "$tree" | cut -f1)
    sed -e "s|@VERSION@|$version|" -e "s|@DEB_ARCH@|$deb_arch|" -e "s|@SIZE@|$size|" -e "s|@DEPENDS@|$depends|" \
        "packaging/deb/$name.control" >"$tree/DEBIAN/control"
    (cd "$tree" && find usr etc -type f 2>/dev/null | LC_ALL=C sort | xargs md5sum) >"$tree/DEBIAN/md5sums"
    if [ -d "$tree/etc" ]; then (cd "$tree" && find etc -type f | LC_ALL=C sort | sed 's|^|/|') >"$tree/DEBIAN/conffiles"; fi
    for script in postinst prerm postrm; do
        [ ! -f "packaging/deb/$name.$script" ] || put 755 "packaging/deb/$name.$script" "$tree/DEBIAN/$script"
    done
    settle "$tree"
    dpkg-deb --root-owner-group -Zxz --build "$tree" "$out/${name}_${version}_$deb_arch.deb" >/dev/null
}

# rpm NAME: the same tree as a package of Fedora and its relatives
rpm() {
    name=$1
    tree=$stage/$name
    spec=$stage/rpm/$name.spec
    mkdir -p "$stage/rpm"
    settle "$tree"
    {
        sed -e "s|@VERSION@|$version|" -e '/^@FILES@$/d' "packaging/rpm/$name.spec"
        echo '%install'
        echo "mkdir -p '%{buildroot}' && cp -a '$tree/.' '%{buildroot}/'"
        echo
        echo '%files'
        echo '%defattr(-,root,root,-)'
        [ ! -d "$tree/etc/upkeep" ] || echo '%dir /etc/upkeep'
        echo "%dir /usr/share/doc/$name"
        [ ! -d "$tree/usr/share/doc/$name/examples" ] || echo "%dir /usr/share/doc/$name/examples"
        (cd "$tree" && find . -type f | LC_ALL=C sort | sed 's|^\.||') | while read -r file; do
            case $file in
                /etc/*) echo "%config(noreplace) %attr(600,root,root) $file" ;;
                */LICENSE-* | */licences.txt) echo "%license $file" ;;
                /usr/share/doc/*) echo "%doc $file" ;;
                *) echo "$file" ;;
            esac
        done
    } >"$spec"
    # what was built is stripped, and its manuals packed, already
    command rpmbuild -bb --quiet --buildroot "$stage/rpm/root" \
        --define "_topdir $stage/rpm/top" --define "_rpmdir $out" --define '_build_name_fmt %%{NAME}-%%{VERSION}-%%{RELEASE}.%%{ARCH}.rpm' \
        --define '__os_install_post %{nil}' --define 'debug_package %{nil}' --define '_build_id_links none' \
        --define 'use_source_date_epoch_as_buildtime 1' --define 'clamp_mtime_to_source_date_epoch 1' \
        --define '_buildhost upkeep' --define '_binary_payload w19.zstdio' \
        --define "_docdir /usr/share/doc" --define '_unpackaged_files_terminate_build 1' \
        "$spec"
}

tarball() {
    settle "$stage/tarball"
    tar -C "$stage/tarball" --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$SOURCE_DATE_EPOCH" -cf - "$tarball" |
        gzip -9n >"$out/$tarball.tar.gz"
}

umask 022
build
build_static
say "staging"
rm -rf "$stage" "$out"
mkdir -p "$stage" "$out"
stage_worker
stage_desktop
stage_tarball
appstreamcli validate --no-net --no-color "$stage/upkeep/usr/share/metainfo/io.upkeep.console.metainfo.xml" >/dev/null ||
    die "the AppStream metadata is not valid" "see: appstreamcli validate packaging/desktop/io.upkeep.console.metainfo.xml"
desktop-file-validate "$stage/upkeep/usr/share/applications/io.upkeep.console.desktop"
say "wrapping"
for package in upkeep upkeep-worker; do
    deb "$package"
    rpm "$package"
    cp "$stage/$package/usr/share/doc/$package/sbom.cdx.json" "$out/$package-$version.cdx.json"
    cp "$stage/$package/usr/share/doc/$package/licences.txt" "$out/$package-$version-licences.txt"
done
tarball
(cd "$out" && sha256sum -- * >SHA256SUMS)
rm -rf "$stage"
say "packages in $out"
(cd "$out" && du -k -- * | awk '{ printf "    %6d KiB  %s\n", $1, $2 }')
