#!/bin/sh
# soak.sh: kills real workers at random moments, again and again, while people ask for work, on both engines,
# and prints what became of it. The short version of the same runs with the other tests.
#
# SOAK_TASKS=600, SOAK_KILLS=250 (each for each engine) and SOAK_SEED=1 say how much.

# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname -- "$0")/lib.sh"

SOAK_TASKS=${SOAK_TASKS:-600}
SOAK_KILLS=${SOAK_KILLS:-250}
SOAK_SEED=${SOAK_SEED:-1}
for number in "$SOAK_TASKS" "$SOAK_KILLS" "$SOAK_SEED"; do
    case $number in '' | *[!0-9]*) die "'$number' is no number" "give whole numbers in SOAK_TASKS, SOAK_KILLS and SOAK_SEED" ;; esac
done
if [ "$SOAK_TASKS" -le 2 ] || [ "$SOAK_KILLS" -eq 0 ]; then
    die "that is too little" "give more than 2 tasks and at least 1 kill"
fi
export SOAK_TASKS SOAK_KILLS SOAK_SEED

unset UPKEEP_HOME UPKEEP_DATABASE_URL RUST_LOG

scripts/setup.sh test
scripts/ui.sh build
say "building the worker and the soak"
cargo build --quiet --workspace --bins
say "$SOAK_TASKS tasks and $SOAK_KILLS kills on each engine: some minutes"
exec cargo test --quiet --workspace --test soak nothing_is_lost -- --nocapture --test-threads=1
