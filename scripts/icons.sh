#!/bin/sh
# icons.sh: the icons of every platform, drawn from icons/upkeep.svg. The results are committed.

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname -- "$0")/lib.sh"

scripts/ui.sh deps
drawn=$(mktemp -d)
trap 'rm -rf "$drawn"' EXIT
trap 'exit 130' INT TERM
# it also draws for phones and shops, which we leave behind
in_ui npm exec --no -- tauri icon "$root/icons/upkeep.svg" --output "$drawn" >/dev/null
for icon in 32x32.png 128x128.png 128x128@2x.png icon.png icon.ico icon.icns; do
    cp "$drawn/$icon" "icons/$icon"
done
say "icons drawn into icons/"
