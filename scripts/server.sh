# shellcheck shell=sh disable=SC2154 # $program and $home are the reader's
# server.sh: a server of its own for the length of a script, which reads this file with `.` after lib.sh.
# in: $program, the upkeepctl to start, and $home, a fresh folder, which is removed at the end. out: $server, its process, and $address.

server=
finish() {
    [ -z "$server" ] || kill "$server" 2>/dev/null || true
    [ -z "$server" ] || wait "$server" 2>/dev/null || true
    rm -rf "$home"
}
trap finish EXIT INT TERM

UPKEEP_HOME=$home/upkeep RUST_LOG=warn "$program" --json serve --no-worker --port 0 >"$home/said" 2>"$home/log" &
server=$!
tries=0
until address=$(sed -n 's/.*"address":"\([^"]*\)".*/\1/p' "$home/said") && [ -n "$address" ]; do
    tries=$((tries + 1))
    [ "$tries" -lt 300 ] || die "the server did not start" "$(cat "$home/log")"
    sleep 0.1
done
