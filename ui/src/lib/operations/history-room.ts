// what a cleanup of the history says of Upkeep's own registry and database, in sentences.
import type { CleanupReport } from "$lib/generated/CleanupReport";
import type { DatabaseRoom } from "$lib/generated/DatabaseRoom";
import { bytes, count } from "$lib/format";

/** Sentences for the report of a cleanup that looked at the history; none for any other. */
export function historyRoom(report: CleanupReport): string[] {
  const said: string[] = [];
  const gone = report.workers;
  if (gone && gone.matched > 0) {
    const workers =
      gone.matched === 1 ? "1 worker that is gone" : `${count(gone.matched)} workers that are gone`;
    said.push(
      report.dry_run
        ? `The registry holds ${workers}: cleaning removes what it says of them.`
        : `The registry held ${workers}, of which ${count(gone.removed)} left it.`,
    );
  }
  if (report.database) said.push(databaseRoom(report.database));
  return said;
}

function databaseRoom(room: DatabaseRoom): string {
  const now = room.bytes_after ?? room.bytes_before;
  const size =
    now < room.bytes_before
      ? `went from ${bytes(room.bytes_before)} to ${bytes(now)}`
      : `takes ${bytes(now)}`;
  const free = room.bytes_free ? `; ${bytes(room.bytes_free)} of it hold nothing and are used again` : "";
  const said = `The database ${size}${free}.`;
  switch (room.outcome) {
    case "not_yet":
    case "given_back":
      return said;
    case "partly":
      return `${said} Others were at work, or this one ended early: the next cleanup goes on.`;
    case "needs_rewriting":
      return `${said} It was made by an older Upkeep and shrinks only when it is rewritten, which can be asked for with the cleanup.`;
    case "too_large_to_rewrite":
      return `${said} It is too large to be rewritten while others wait: stop the workers and do it by hand.`;
    case "left_to_server":
      return `${said} The server uses the room of what was removed again.`;
  }
}
