#!/bin/sh
# audit.sh: what others know about our dependencies: licences, bans and sources by deny.toml, advisories of RustSec
# and npm. A database that cannot be reached is said at the end and is no failure: nothing was found, nor looked for.
#
# cargo-deny is built into target/tools when it is not there, which takes some minutes.

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname -- "$0")/lib.sh"

deny_version=0.20.2

tools=$target/tools
PATH=$tools/bin:$PATH
export PATH

unchecked=
found=no

if ! cargo-deny --version >/dev/null 2>&1; then
    say "building cargo-deny $deny_version into $tools"
    cargo install --locked --root "$tools" --version "$deny_version" cargo-deny
fi

say "cargo-deny: licences, bans, sources (crates in two versions: cargo deny check bans)"
cargo-deny --locked check -A duplicate --hide-inclusion-graph licenses bans sources || found=yes

log=$(mktemp)
trap 'rm -f "$log"' EXIT
trap 'exit 130' INT TERM

say "cargo-deny: advisories of RustSec"
if cargo-deny --locked check advisories >"$log" 2>&1; then
    tail -n 1 "$log"
elif grep -q 'failed to fetch advisory database' "$log"; then
    # an older copy is better than none
    if cargo-deny --locked --offline check advisories >"$log" 2>&1; then
        unchecked="$unchecked
    crates against today's RustSec (not reachable; an older copy of it has nothing)"
    elif grep -q '^error\[' "$log"; then
        cat "$log"
        found=yes
    else
        unchecked="$unchecked
    crates against RustSec (https://github.com/RustSec/advisory-db is not reachable)"
    fi
else
    cat "$log"
    found=yes
fi

# what is built into the page fails; tools that only build it are told
audit_npm() {
    if in_ui npm audit "$@" >"$log" 2>&1; then
        tail -n 1 "$log"
    elif grep -q 'audit endpoint returned an error\|ENOTFOUND\|EAI_AGAIN\|ECONNREFUSED\|ETIMEDOUT\|ENETUNREACH' "$log"; then
        unchecked="$unchecked
    npm's packages, ${1:-tools included} (the registry answers no audit)"
    else
        cat "$log"
        [ -z "${1:-}" ] || found=yes
    fi
}
say "npm audit"
audit_npm --omit=dev
audit_npm

[ -z "$unchecked" ] || say "not checked:$unchecked"
[ "$found" = no ] || die "something was found" "see above; what may stay is written into deny.toml with its reason"
say "nothing was found in what was checked"
