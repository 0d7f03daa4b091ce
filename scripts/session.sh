#!/bin/sh
# session.sh COMMAND…: runs a command on a D-Bus session of its own, which ends with it.
#
# what the bus and the services it starts have to say goes to a file: it would drown what the command says.

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname -- "$0")/lib.sh"

mkdir -p "$target"
# shellcheck disable=SC2016 # for the inner shell
exec dbus-run-session -- sh -c 'exec "$@" 2>&3 3>&-' sh "$@" 3>&2 2>"$target/session-bus.log"
