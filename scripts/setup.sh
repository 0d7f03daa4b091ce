#!/bin/sh
# setup.sh [run|test|package|package-test]: makes sure that what is needed for that is on this machine.
#
# toolchains are only checked, never fetched: which rustc and node a machine has is its owner's choice.
# system packages are installed through apt on Debian and its relatives; elsewhere they are named and we stop.
# says nothing and takes no time when everything is there.

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname -- "$0")/lib.sh"

purpose=${1:-run}
case $purpose in
    run | test | package | package-test) ;;
    *) die "unknown purpose '$purpose'" "use: scripts/setup.sh [run|test|package|package-test]" ;;
esac

# keep in step with rust-version in Cargo.toml and engines in ui/package.json
rust_wanted=1.95
node_wanted=20.19

rust_help="install Rust $rust_wanted or newer from https://rustup.rs, or, where rustup is there: rustup update stable"
node_help="install Node.js $node_wanted or newer (not 21, and of 22 at least 22.12) with npm from https://nodejs.org"

check_rust() {
    command -v cargo >/dev/null 2>&1 || die "cargo was not found" "$rust_help"
    rust=$(rustc --version 2>/dev/null | cut -d' ' -f2) || rust=
    [ -n "$rust" ] || die "rustc was not found or does not start" "$rust_help"
    at_least "$rust" "$rust_wanted" || die "rustc $rust is too old" "$rust_help"

    [ "$purpose" = test ] || return 0
    for part in rustfmt clippy; do
        case $part in rustfmt) tool=cargo-fmt ;; *) tool=cargo-clippy ;; esac
        "$tool" --version >/dev/null 2>&1 ||
            die "$part was not found" "the tests check format and lints; install it: rustup component add $part"
    done
}

check_node() {
    command -v node >/dev/null 2>&1 || die "node was not found" "$node_help"
    node=$(node --version 2>/dev/null | cut -c2-) || node=
    [ -n "$node" ] || die "node does not start" "$node_help"
    # the ranges that Vite supports
    case $node in
        21.*) supported=no ;;
        22.*) at_least "$node" 22.12 && supported=yes || supported=no ;;
        *) at_least "$node" "$node_wanted" && supported=yes || supported=no ;;
    esac
    [ "$supported" = yes ] || die "node $node is not supported" "$node_help"
    command -v npm >/dev/null 2>&1 ||
        die "npm was not found" "it comes with Node.js from https://nodejs.org; on Debian it is the package npm"
}

# every need of this purpose, one a line: how to notice it, then its package on Debian, Fedora and Arch
needs() {
    echo 'program:cc                build-essential          gcc                 base-devel'
    echo 'program:pkg-config        pkg-config               pkgconf-pkg-config  pkgconf'
    echo 'library:webkit2gtk-4.1    libwebkit2gtk-4.1-dev    webkit2gtk4.1-devel webkit2gtk-4.1'
    echo 'library:librsvg-2.0       librsvg2-dev             librsvg2-devel      librsvg'
    if [ "$purpose" = test ] || ! has_session_bus; then
        echo 'program:dbus-run-session  dbus                 dbus-daemon         dbus'
    fi
    if [ "$purpose" = test ] || ! has_display; then
        echo 'program:xvfb-run      xvfb                     xorg-x11-server-Xvfb xorg-server-xvfb'
        echo 'program:xauth         xauth                    xorg-x11-xauth      xorg-xauth'
    fi
    if [ "$purpose" = test ]; then
        echo 'program:WebKitWebDriver webkit2gtk-driver      webkit2gtk-driver   webkit2gtk-4.1'
        echo 'program:chromium        chromium               chromium            chromium'
        echo 'program:chattr        e2fsprogs                e2fsprogs           e2fsprogs'
        echo 'program:faketime      faketime                 libfaketime         libfaketime'
        echo 'program:setpriv       util-linux               util-linux          util-linux'
        echo 'python:psutil         python3-psutil         python3-psutil      python-psutil'
        echo 'program:ip            iproute2                 iproute             iproute2'
        echo 'python:csv            python3                  python3             python'
        echo 'python:prometheus_client python3-prometheus-client python3-prometheus_client python-prometheus_client'
        echo 'program:sqlite3       sqlite3                  sqlite              sqlite'
        echo 'program:openssl       openssl                  openssl             openssl'
        echo 'postgres:server       postgresql               postgresql-server   postgresql'
    fi
    if [ "$purpose" = package ]; then
        echo 'program:dpkg-shlibdeps dpkg-dev              dpkg-dev            dpkg'
        echo 'program:rpmbuild      rpm                    rpm-build           rpm-tools'
        echo 'program:appstreamcli  appstream              appstream           appstream'
        echo 'program:desktop-file-validate desktop-file-utils desktop-file-utils desktop-file-utils'
        echo 'program:musl-gcc      musl-tools             musl-gcc            musl'
    fi
    if [ "$purpose" = package-test ]; then
        echo 'program:debootstrap   debootstrap            debootstrap         debootstrap'
        echo 'program:systemd-analyze systemd              systemd             systemd'
        echo 'program:rpm           rpm                    rpm                 rpm-tools'
        echo 'program:curl          curl                   curl                curl'
        echo 'program:Xvfb          xvfb                   xorg-x11-server-Xvfb xorg-server-xvfb'
        echo 'program:xdotool       xdotool                xdotool             xdotool'
        echo 'program:xprop         x11-utils              xprop               xorg-xprop'
        echo 'program:import        imagemagick            ImageMagick         imagemagick'
    fi
}

# the column of needs() that names this system's packages; 0 where we do not know them
family() {
    ids=
    if [ -r "$os_release" ]; then
        ids=$(
            # shellcheck disable=SC1090 # the path is the system's
            . "$os_release"
            echo " ${ID:-} ${ID_LIKE:-} "
        )
    fi
    case $ids in
        *' debian '* | *' ubuntu '*) echo 2 ;;
        *' fedora '*) echo 3 ;;
        *' arch '*) echo 4 ;;
        *) echo 0 ;;
    esac
}

# where the tests look for it too: on some systems the server is not in the path
has_postgres() {
    command -v postgres >/dev/null 2>&1 && return 0
    for server in /usr/lib/postgresql/*/bin/postgres; do
        [ -x "$server" ] && return 0
    done
    return 1
}

# the system's modules belong to the system's python, which another one may stand before
has_module() {
    for python in python3 /usr/bin/python3; do
        "$python" -c "import $1" 2>/dev/null && return 0
    done
    return 1
}

missing_on_debian() {
    # shellcheck disable=SC2046 # package names are words
    set -- $(needs | awk '{print $2}')
    installed=$(dpkg-query -W -f='${Package} ${db:Status-Status}\n' "$@" 2>/dev/null) || true
    for package in "$@"; do
        # a server from another source has another package
        if [ "$package" = postgresql ] && has_postgres; then continue; fi
        printf '%s\n' "$installed" | grep -qx "$package installed" || printf '%s ' "$package"
    done
}

missing_elsewhere() {
    needs | while read -r need names; do
        case $need in
            program:*) command -v "${need#*:}" >/dev/null 2>&1 && continue ;;
            library:*) pkg-config --exists "${need#*:}" 2>/dev/null && continue ;;
            python:*) has_module "${need#*:}" && continue ;;
            postgres:*) has_postgres && continue ;;
        esac
        printf '%s %s\n' "$need" "$names"
    done
}

# Debian's server makes a database of its own and starts it when it is installed, which the tests have no use
# for. where nothing of PostgreSQL was there before, it is told not to, for this installation only
set_main_database() {
    $as_root sed -i "s/^#*create_main_cluster = .*/$1/" "$debian_postgres"
}
debian_postgres=/etc/postgresql-common/createcluster.conf

install_on_debian() {
    as_root=
    if [ "$(id -u)" != 0 ]; then
        by_hand="run this as an administrator, then try again: apt-get install $*"
        command -v sudo >/dev/null 2>&1 || die "system packages are missing, and there is no sudo to install them" "$by_hand"
        as_root=sudo
        if ! sudo -n true 2>/dev/null; then
            # without a terminal nobody could type a password, and the script would hang
            [ -t 0 ] || die "system packages are missing, and sudo wants a password" "$by_hand"
            note "system packages are missing: sudo asks for your password to install $*"
            sudo -v || die "sudo was refused" "$by_hand"
        fi
    fi

    say "installing system packages through apt: $*"
    log=$(mktemp)
    started=$(date +%s)
    apt_get() {
        $as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 "$@" \
            >>"$log" 2>&1 </dev/null
    }
    # one broken third-party source fails the update and says nothing about our packages
    apt_get update || note "apt-get update had problems; trying all the same"
    quiet_postgres=no
    case " $* " in
        *' postgresql '*)
            if [ ! -e "$debian_postgres" ] && apt_get install -y --no-install-recommends postgresql-common; then
                quiet_postgres=yes
                set_main_database 'create_main_cluster = false'
            fi
            ;;
    esac
    installed=yes
    apt_get install -y --no-install-recommends "$@" || installed=no
    [ "$quiet_postgres" = no ] || set_main_database '#create_main_cluster = true'
    if [ "$installed" = no ]; then
        tail -n 20 "$log" >&2
        die "apt could not install the system packages" "the whole output is in $log" \
            "to try by hand: apt-get update && apt-get install $*"
    fi
    rm -f "$log"
    note "installed in $(($(date +%s) - started)) s"
}

check_rust
check_node

# overridden only to try what happens on another system
os_release=${UPKEEP_OS_RELEASE:-/etc/os-release}
column=$(family)

if [ "$column" = 2 ] && command -v apt-get >/dev/null 2>&1; then
    missing=$(missing_on_debian)
    # shellcheck disable=SC2086 # package names are words
    [ -z "$missing" ] || install_on_debian $missing
    exit 0
fi

missing=$(missing_elsewhere)
[ -n "$missing" ] || exit 0
printf '%s\n' "$missing" | awk '{ sub(":", " ", $1); print "    missing: " $1 }' >&2
if [ "$column" = 0 ]; then
    names=$(printf '%s\n' "$missing" | awk '{ print $2 }' | sort -u | tr '\n' ' ')
    die "system packages are missing, and only Debian and Ubuntu are set up by this script" \
        "install what your system calls these Debian packages, then try again:" "  $names"
fi
names=$(printf '%s\n' "$missing" | awk -v column="$column" '{ print $column }' | sort -u | tr '\n' ' ')
case $column in 3) by_hand="dnf install" ;; *) by_hand="pacman -S --needed" ;; esac
die "system packages are missing, and only Debian and Ubuntu are set up by this script" \
    "install these, then try again:" "  $by_hand $names"
