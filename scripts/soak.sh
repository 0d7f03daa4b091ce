#!/bin/sh
# soak.sh: kills real workers at random moments, again and again, while people ask for work, on both engines,
# and prints what became of it; kills workers at random moments of a cleanup; and attacks cleanups by swapping
# what they clean. The short versions of the same run with the other tests.
#
# and the live dashboard stays open for ten minutes.
#
# soak.sh [queue] [kills] [attacks] [dashboard]: these parts, or all.
# SOAK_TASKS=600, SOAK_KILLS=250 (each for each engine) and SOAK_SEED=1 say how much, SOAK_CLEANUP_KILLS=100 how
# often a cleanup is killed, SOAK_DASHBOARD_SECONDS=600 how long the dashboard stays open, SOAK_ATTACK_SECONDS=60 and SOAK_ATTACK_SWAPS=10000 how long it is attacked at least.

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname -- "$0")/lib.sh"

SOAK_TASKS=${SOAK_TASKS:-600}
SOAK_KILLS=${SOAK_KILLS:-250}
SOAK_SEED=${SOAK_SEED:-1}
SOAK_CLEANUP_KILLS=${SOAK_CLEANUP_KILLS:-100}
SOAK_DASHBOARD_SECONDS=${SOAK_DASHBOARD_SECONDS:-600}
SOAK_ATTACK_SECONDS=${SOAK_ATTACK_SECONDS:-60}
SOAK_ATTACK_SWAPS=${SOAK_ATTACK_SWAPS:-10000}
for number in "$SOAK_TASKS" "$SOAK_KILLS" "$SOAK_SEED" "$SOAK_CLEANUP_KILLS" \
    "$SOAK_DASHBOARD_SECONDS" "$SOAK_ATTACK_SECONDS" "$SOAK_ATTACK_SWAPS"; do
    case $number in '' | *[!0-9]*) die "'$number' is no number" "give whole numbers in the variables that begin with SOAK_" ;; esac
done
if [ "$SOAK_TASKS" -le 2 ] || [ "$SOAK_KILLS" -eq 0 ] || [ "$SOAK_CLEANUP_KILLS" -eq 0 ]; then
    die "that is too little" "give more than 2 tasks and at least 1 kill"
fi
export SOAK_TASKS SOAK_KILLS SOAK_SEED SOAK_CLEANUP_KILLS SOAK_DASHBOARD_SECONDS SOAK_ATTACK_SECONDS SOAK_ATTACK_SWAPS
[ $# -gt 0 ] || set -- queue kills attacks dashboard
for part in "$@"; do
    case $part in queue | kills | attacks | dashboard) ;; *) die "unknown part '$part'" "use: scripts/soak.sh [queue] [kills] [attacks] [dashboard]" ;; esac
done

unset UPKEEP_HOME UPKEEP_DATABASE_URL RUST_LOG

scripts/setup.sh test
scripts/ui.sh build
say "building the worker and the soak"
cargo build --quiet --workspace --bins

# soak TARGET TEST: one test to its end, with its table
soak() { cargo test --quiet --workspace --test "$1" "$2" -- --nocapture --test-threads=1; }

for part in "$@"; do
    case $part in
        queue)
            say "$SOAK_TASKS tasks and $SOAK_KILLS kills on each engine: some minutes"
            soak soak nothing_is_lost
            ;;
        kills)
            say "$SOAK_CLEANUP_KILLS kills within a cleanup: some minutes"
            soak cleaning_kills counts_add_up
            ;;
        attacks)
            say "attacks on cleanups for $SOAK_ATTACK_SECONDS s and $SOAK_ATTACK_SWAPS swaps at least"
            soak attacks canaries_survive
            ;;
        dashboard)
            say "the live dashboard stays open for $SOAK_DASHBOARD_SECONDS s"
            unset LC_ALL WAYLAND_DISPLAY DBUS_SESSION_BUS_ADDRESS
            LANG=C.UTF-8 xvfb-run -a -s "-screen 0 1400x900x24" scripts/session.sh \
                cargo test --quiet --workspace --test desktop a_dashboard_that_stays_open -- --nocapture --test-threads=1
            ;;
    esac
done
