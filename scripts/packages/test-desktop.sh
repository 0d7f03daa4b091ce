# shellcheck shell=sh disable=SC2154
# the package upkeep: package-test.sh. sourced, never run.

install_desktop() {
    there dpkg -i /packages/desktop.deb >>"$log" 2>&1 || die "dpkg -i failed" "see $log"
    fact "it is installed" in_it 'dpkg -s upkeep | grep -qx "Status: install ok installed"'
    fact "the files are what the package says" there dpkg --verify upkeep
    fact "the menu entry, its icon and its description are there" in_it 'cd /usr/share && ls applications/io.upkeep.console.desktop \
        metainfo/io.upkeep.console.metainfo.xml icons/hicolor/scalable/apps/io.upkeep.console.svg icons/hicolor/128x128/apps/io.upkeep.console.png'
    fact "the whole of it finds its libraries" in_it '! ldd /usr/bin/upkeep | grep "not found"'
}

# colours FILE: how many the picture has; an empty window has a handful
colours() { identify -format %k "$1"; }

picture() {
    import -display "$screen" -window root "$place/window.png" 2>/dev/null && [ "$(colours "$place/window.png")" -gt 200 ]
}
window() { xdotool search --onlyvisible --name '^Upkeep$' >/dev/null 2>&1; }

# until COMMAND…: tried for half a minute
within_time() {
    tries=0
    until "$@"; do
        tries=$((tries + 1))
        [ "$tries" -lt 60 ] || return 1
        sleep 0.5
    done
}

open_window() {
    screen=:97
    Xvfb "$screen" -screen 0 1400x900x24 -nolisten tcp -ac >"$place/xvfb.log" 2>&1 &
    within_time test -S /tmp/.X11-unix/X97 || die "Xvfb does not start" "see $place/xvfb.log"
    mkdir -p "$root_of_it/tmp/.X11-unix"
    mount --bind /tmp/.X11-unix "$root_of_it/tmp/.X11-unix"
    DISPLAY=$screen
    export DISPLAY
    env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 DISPLAY="$screen" HOME=/home/person \
        chroot "$root_of_it" setpriv --reuid person --regid person --clear-groups --no-new-privs \
        dbus-run-session -- upkeep >"$place/window.log" 2>&1 </dev/null &
    fact "its window opens" within_time window
    fact "the window shows its page" within_time picture
    # what was still being read then is there a moment later
    sleep 3
    picture
    fact "its class is that of the menu entry" sh -c 'xprop -id "$(xdotool search --onlyvisible --name "^Upkeep$" | head -n 1)" WM_CLASS | grep -i \"upkeep\"'
    fact "it made its installation in the person's folders" in_it 'ls /home/person/.config/upkeep/config.toml /home/person/.local/share/upkeep/upkeep.db'
    pkill -TERM -x upkeep
    fact "it ends when asked to" within_time not pgrep -x upkeep
    umount "$root_of_it/tmp/.X11-unix"
    in_it 'userdel -r person 2>/dev/null; rm -rf /home/person'
}
