// a run beside those before it, in words.
import type { CleanupReport } from "$lib/generated/CleanupReport";
import type { TaskDetail } from "$lib/generated/TaskDetail";
import type { UsualDuration } from "$lib/generated/UsualDuration";
import { bytes, count, duration } from "$lib/format";
import { readReport } from "./reports";
import { checkName } from "./summary";
import { CHECK_LABELS, KEPT_WORDS, taskLabel } from "./states";

const SECOND = 1000;
/** What is over so soon needs no forecast. */
const WORTH_SAYING_MS = 5 * SECOND;

/** What to say of a running task's time; none while there is nothing worth saying. */
export function usualWords(usual: UsualDuration, elapsedMs: number): { text: string; late: boolean } | null {
  const late = elapsedMs > Math.max(usual.high_ms * 1.2, usual.high_ms + WORTH_SAYING_MS);
  if (late) {
    return {
      text: `Longer than usual: most runs like this one took at most ${duration(usual.high_ms)}`,
      late,
    };
  }
  if (usual.high_ms < WORTH_SAYING_MS) return null;
  const left = [usual.low_ms - elapsedMs, usual.high_ms - elapsedMs].map(rounded);
  const [least = 0, most = 0] = left;
  if (most <= 0) return { text: "Should be done any moment, as earlier runs go", late };
  if (least <= 0) return { text: `At most ${duration(most)} left, as earlier runs go`, late };
  if (least === most) return { text: `About ${duration(most)} left, as earlier runs go`, late };
  return { text: `${duration(least)} to ${duration(most)} left, as earlier runs go`, late };
}

/** Two digits are all that can be known. */
function rounded(ms: number): number {
  if (ms <= 0) return 0;
  const seconds = ms / SECOND;
  const step = seconds < 20 ? 1 : seconds < 60 ? 5 : seconds < 600 ? 30 : 300;
  return Math.ceil(seconds / step) * step * SECOND;
}

export interface Compared {
  what: string;
  now: string;
  before: string;
  differs: boolean;
  /** How much more or less this time, in words; nothing where that cannot be said in a number. */
  change: string;
}

/** The figures of two runs of one operation side by side; what is nothing in both is left out. */
export function compared(now: TaskDetail, before: TaskDetail): Compared[] {
  const rows: Compared[] = [];
  const add = (what: string, mine: string, earlier: string, change = "") =>
    rows.push({ what, now: mine, before: earlier, differs: mine !== earlier, change });
  add("Ended as", taskLabel(now.task).word, taskLabel(before.task).word);
  const [took, tookBefore] = [lasted(now), lasted(before)];
  const timed = took !== null && tookBefore !== null;
  add(
    "Took",
    took === null ? "–" : duration(took),
    tookBefore === null ? "–" : duration(tookBefore),
    timed ? changeWords(took, tookBefore, duration) : "",
  );
  const [mine, earlier] = [readReport(now.report), readReport(before.report)];
  if (mine?.kind === "cleanup" && earlier?.kind === "cleanup") {
    for (const [what, value, show] of CLEANUP_FIGURES) {
      if (value(mine.report) || value(earlier.report)) {
        const [here, there] = [value(mine.report), value(earlier.report)];
        add(what, show(here), show(there), changeWords(here, there, show));
      }
    }
    const reasons = new Set([...mine.report.kept, ...earlier.report.kept].map(({ reason }) => reason));
    for (const reason of reasons) {
      const kept = (report: CleanupReport) => report.kept.find((it) => it.reason === reason)?.count ?? 0;
      const [here, there] = [kept(mine.report), kept(earlier.report)];
      add(`Kept: ${KEPT_WORDS[reason]}`, count(here), count(there), changeWords(here, there, count));
    }
  } else if (mine?.kind === "health" && earlier?.kind === "health") {
    const ids = new Set([...mine.report.checks, ...earlier.report.checks].map(({ id }) => id));
    for (const id of ids) {
      const status = ({ checks }: typeof mine.report) => {
        const check = checks.find((it) => it.id === id);
        return check ? CHECK_LABELS[check.status].word : "not checked";
      };
      // a long list of what stayed as it was says nothing
      if (status(mine.report) !== status(earlier.report)) {
        add(checkName(id), status(mine.report), status(earlier.report));
      }
    }
  }
  return rows;
}

function lasted({ task }: TaskDetail): number | null {
  return task.started_at === null || task.finished_at === null ? null : task.finished_at - task.started_at;
}

/** `3 more`, `1.2 GB less`; nothing when both are shown alike. */
function changeWords(now: number, before: number, show: (value: number) => string): string {
  if (show(now) === show(before)) return "";
  return `${show(Math.abs(now - before))} ${now > before ? "more" : "less"}`;
}

const CLEANUP_FIGURES: [string, (report: CleanupReport) => number, (value: number) => string][] = [
  ["Freed", (report) => report.bytes_removed, bytes],
  ["Files removed", (report) => report.files_removed, count],
  ["Runs removed", (report) => report.runs_removed, count],
  ["Folders removed", (report) => report.directories_removed, count],
  ["Files that matched", (report) => report.files_matched, count],
  ["Runs that matched", (report) => report.runs_matched, count],
  ["Files kept", (report) => report.files_kept, count],
  ["Problems", (report) => report.problems_total, count],
];
