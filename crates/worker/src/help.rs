//! What `--help` says beyond the arguments. Lines are short enough for a terminal of 80 columns.

/// What every command reads from the environment.
macro_rules! environment {
    () => {
        "\
Environment:
  UPKEEP_HOME          the folder of the installation: config.toml, upkeep.db,
                       artifacts/, logs/, tmp/ (default: this user's folders)
  UPKEEP_DATABASE_URL  the database, when it is not upkeep.db in that folder
  UPKEEP_LOG_FORMAT    human or json, as --log-format
  RUST_LOG             a log filter such as warn,upkeep=debug; --log-level
                       comes before it

"
    };
}

pub(crate) const PROGRAM: &str = "\
Performs maintenance on demand: what the queue holds, or one operation called
directly. It never starts an operation by itself.

  run    is the service: it claims tasks that people asked for and performs them
  exec   performs one operation now, without any queue; for scripts
  check  says whether this host is set up well, and changes nothing";

pub(crate) const PROGRAM_MORE: &str = concat!(
    environment!(),
    "\
Exit codes:
  0    succeeded; for `run`: stopped in good order
  1    failed; for `check`: a problem was found
  2    bad usage or parameters
  3    `exec`: partial, some items could not be done
  130  `exec`: cancelled by a signal

Examples:
  upkeep-worker check
  upkeep-worker run --operations health-check,log-statistics
  upkeep-worker exec cleanup-temp-files --params '{\"max_age_hours\":24}' --dry-run

`upkeep-worker help COMMAND` tells more of each command."
);

pub(crate) const RUN: &str = "\
Performs tasks from the queue until SIGTERM or SIGINT.

The worker enters itself in the queue's list of workers, claims the tasks that
people asked for, performs them and says how they ended. Any number of workers
may share a queue. What is not given here comes from config.toml.";

pub(crate) const RUN_MORE: &str = concat!(
    "\
Signals:
  SIGTERM, SIGINT  claim nothing new, let attempts end for --grace-seconds, hand
                   the rest back to the queue, exit with 0
  a second one     end at once with 1; other workers take up what was held
                   when its leases have run out

As a service of systemd (Type=notify) it says when it is ready, what it does and
when it stops, and feeds the watchdog while it is alive; see upkeep-worker@.service.

Exit codes: 0 stopped in good order, 1 failed, 2 bad usage or an unknown operation.

",
    environment!(),
    "\
Examples:
  upkeep-worker run
  upkeep-worker run --operations health-check:log-statistics --log-format json
  UPKEEP_HOME=/srv/upkeep upkeep-worker run --concurrency 4 --grace-seconds 60"
);

pub(crate) const EXEC: &str = "\
Performs one operation now, without any queue.

The report goes to stdout as one JSON object; progress and log lines go to stderr.
Nothing of it appears in the history. With --format health+json, health-check
prints a document of the type application/health+json, for monitors.";

pub(crate) const EXEC_MORE: &str = concat!(
    "\
SIGTERM or SIGINT cancels: the operation stops, and the report tells what was done.

Exit codes: 0 succeeded, 1 failed, 2 bad usage or parameters, 3 partial, 130 cancelled.

",
    environment!(),
    "\
Examples:
  upkeep-worker exec health-check
  upkeep-worker exec health-check --format health+json
  upkeep-worker exec cleanup-temp-files --dry-run
  upkeep-worker exec cleanup-temp-files \\
      --params '{\"max_age_hours\":24,\"locations\":[\"scratch\"]}'"
);

pub(crate) const CHECK: &str = "\
Says whether this host is set up well, and changes nothing.

Looks at the configuration, the folders of the installation, the database, and
every enabled location and run store: whether it exists, whether the rules of
deletion accept it, and whether it can be written. Run it as the user who runs
the worker.";

pub(crate) const CHECK_MORE: &str = concat!(
    "\
Exit codes: 0 all is well, 1 a problem was found, 2 bad usage or an unknown operation.

",
    environment!(),
    "\
Examples:
  upkeep-worker check
  upkeep-worker check --operations cleanup-temp-files --json"
);

pub(crate) const OPERATIONS: &str = "\
Prints the operations with the JSON Schemas of their parameters, as JSON.";

pub(crate) const OPERATIONS_MORE: &str = concat!(
    environment!(),
    "\
Example:
  upkeep-worker operations | jq -r '.[].id'"
);
