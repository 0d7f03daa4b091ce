//! What `--help` and the manual say beyond the arguments. Lines are short enough for a terminal of 80 columns.

/// What every command that waits says of its end.
macro_rules! exit_codes {
    () => {
        "\
Exit codes:
  0    succeeded; without --wait: it was asked for
  1    failed or was cancelled, or could not be asked for or waited for
  2    bad usage or parameters; nothing was asked for
  3    partial: some items could not be done
  130  SIGINT or SIGTERM ended the waiting; the task goes on

"
    };
}

pub(crate) const PROGRAM: &str = "\
Asks for maintenance and shows what became of it.

Upkeep does nothing by itself. `trigger` puts one task into the queue, and a
worker performs it: `upkeep-worker run`, or the one inside the app. This program
performs nothing; it asks and looks.";

pub(crate) const PROGRAM_MORE: &str = concat!(
    "\
Environment:
  UPKEEP_HOME          the folder of the installation: config.toml, upkeep.db,
                       artifacts/, logs/, tmp/ (default: this user's folders)
  UPKEEP_DATABASE_URL  the database, when it is not upkeep.db in that folder
  NO_COLOR             no colours
  RUST_LOG             a log filter for stderr such as upkeep=debug [warn]

",
    exit_codes!(),
    "\
Results go to stdout, everything else to stderr. Where a task's id is asked for,
a beginning that only one task has will do.

Examples:
  upkeepctl trigger health-check --wait
  upkeepctl preview cleanup-temp-files --param max_age_hours=24
  upkeepctl tasks list --state failed --json

`upkeepctl help COMMAND` tells more of each command."
);

pub(crate) const TRIGGER: &str = "\
Asks for an operation, once.

The answer is the task's id, before anything was done. The same request that
already waits or runs makes no second task: the answer is that one. --wait stays
until the task has ended, shows its progress and prints its report.";

pub(crate) const TRIGGER_MORE: &str = concat!(
    exit_codes!(),
    "\
A task is never tied to this program: Ctrl-C ends the waiting and says how to
cancel the task. Cleanups remove what is old enough at once; --dry-run (or
`upkeepctl preview`) only looks, and --plan removes what was seen, no more.

Examples:
  upkeepctl trigger cleanup-temp-files --param max_age_hours=24 \\
      --param 'locations=[\"scratch\"]'
  upkeepctl trigger cleanup-temp-files --plan 01a208bc-5dd4-717a-b9a4-8b481efdc200
  upkeepctl trigger health-check --all-hosts --wait --timeout 2m
  upkeepctl trigger cleanup-runs --params '{\"max_age_hours\":720}' --json"
);

pub(crate) const PREVIEW: &str = "\
Asks what an operation would remove, waits for the answer, and prints it.

The same as `upkeepctl trigger OPERATION --dry-run --wait`, with the first
entries of the plan. Nothing is removed; the plan can be executed for a day
(`plan_max_age_hours` of the configuration).";

pub(crate) const PREVIEW_MORE: &str = concat!(
    exit_codes!(),
    "\
Examples:
  upkeepctl preview cleanup-temp-files --param max_age_hours=24
  plan=$(upkeepctl preview cleanup-temp-files --quiet)
  upkeepctl trigger cleanup-temp-files --plan \"$plan\" --wait"
);

pub(crate) const TASKS_LIST_MORE: &str = "\
The end of a list that is not the last says how to go on. With --json each task is
one line; `enqueued_at` and `id` of the last one, with a comma between, are what
--after takes.

Examples:
  upkeepctl tasks list --state failed --state partial
  upkeepctl tasks list --all --json | jq -r .id";

pub(crate) const HEALTH: &str = "\
Prints the last known health of each host: what its last health check found.

Nothing is checked without --run. A host that was never checked says so.";

pub(crate) const HEALTH_MORE: &str = "\
The exit code is 0 whatever the health: read the status. With --run it says how
the check itself ended.

Examples:
  upkeepctl health
  upkeepctl health --run --all-hosts --timeout 1m
  upkeepctl health --host web-02 --format health+json";

pub(crate) const EXPORT: &str = "\
Writes a report to a file: statistics, the history of health checks, or tasks.

The path is printed. Where the name is taken, the file gets the next free one
(`report-2.csv`): nothing is ever overwritten. Ctrl-C leaves nothing behind.";

pub(crate) const EXPORT_MORE: &str = "\
Examples:
  upkeepctl export statistics --range week --output week.html
  upkeepctl export health --range all --format csv --output /srv/reports
  upkeepctl export tasks --state failed --output failed.json";

pub(crate) const SERVE: &str = "\
Serve every use case over HTTP, and the screens of the desktop to a browser.

Listens on this machine alone unless told otherwise. The first start makes two
tokens in the data folder, readable by this user only: api-token for everything,
api-token-read-only for looking. It prints where it is reached and a link that
signs a browser in, once, within ten minutes. Starting it performs nothing: it
answers requests, and its worker inside performs what is queued.";

pub(crate) const SERVE_MORE: &str = "\
Examples:
  upkeepctl serve
  upkeepctl serve --no-worker --port 9000
  upkeepctl serve --listen 0.0.0.0 --tls-cert cert.pem --tls-key key.pem \\
    --allowed-host upkeep.example

SIGTERM and SIGINT end it in good order: what its worker holds goes back to the
queue.";
