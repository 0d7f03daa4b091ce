#!/bin/sh
# api-fuzz.sh [ARGUMENT…]: schemathesis against a running server, from the document that it hands out.
#
# Thousands of requests, sound ones and unsound ones; it fails on an answer of 5xx, on a status, type or body that
# the document does not tell of, and on unsound data that is accepted. CASES=60 examples for each route.
# Left out: streams of events, which do not end; and starting the worker inside, which would perform what is asked for.
# The installation lies in a folder that is thrown away; the server starts no worker.

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname -- "$0")/lib.sh"

python=$target/fuzz-python/bin/python
if ! "$python" -c 'import schemathesis' 2>/dev/null; then
    say "installing schemathesis below $target"
    python3 -m venv "$target/fuzz-python" || die "python3 has no venv" "install the package python3-venv"
    "$python" -m pip install --quiet 'schemathesis==4.32.5'
fi

say "building"
[ -f ui/dist/index.html ] || scripts/ui.sh build >&2
cargo build --quiet -p upkeep-ctl

home=$(mktemp -d)
program=$target/debug/upkeepctl
# shellcheck source=server.sh
. scripts/server.sh
token=$(cat "$home/upkeep/api-token")

say "asking $address"
status=0
(cd "$home" && "$target/fuzz-python/bin/schemathesis" run "$address/api/openapi.json" \
    --header "Authorization: Bearer $token" \
    --phases coverage,fuzzing \
    --max-examples "${CASES:-60}" \
    --checks not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,response_schema_conformance,negative_data_rejection,unsupported_method,allow_header_conformance \
    --exclude-path-regex 'events$|embedded-worker/start$' \
    --request-timeout 30 \
    --continue-on-failure \
    "$@") || status=$?

kill -0 "$server" 2>/dev/null || die "the server has ended" "$(tail -n 20 "$home/log")"
if grep -q panicked "$home/log"; then die "the server panicked" "$(grep -A 1 panicked "$home/log" | head -n 12)"; fi
exit "$status"
