#!/bin/sh
# icons.sh: the icons of every platform, drawn from icons/upkeep.svg. The results are committed.

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname -- "$0")/lib.sh"

scripts/ui.sh deps
drawn=$(mktemp -d)
trap 'rm -rf "$drawn"' EXIT
trap 'exit 130' INT TERM
# it also draws for phones and shops, which we leave behind
in_ui npm exec --no -- tauri icon "$root/icons/upkeep.svg" --output "$drawn" >"$drawn/log" 2>&1 || {
    cat "$drawn/log" >&2
    die "the icons could not be drawn"
}
# the icns packs its sizes in an order that changes from run to run, so the picture decides whether anything is new
if cmp -s "$drawn/icon.png" icons/icon.png && [ -f icons/icon.icns ]; then
    say "icons are up to date"
    exit 0
fi
for icon in 32x32.png 128x128.png 128x128@2x.png icon.png icon.ico icon.icns; do
    cp "$drawn/$icon" "icons/$icon"
done
say "icons drawn into icons/"
