// scenes of cleaning: a preview to decide from, a partial outcome to look through, what came back from the trash.
import type { KeptReason } from "$lib/generated/KeptReason";
import { KEPT_WORDS } from "$lib/operations/states";
import { FakeBackend } from "../tests/fake";
import {
  accepted,
  aCleanup,
  anEntry,
  anOverview,
  aPreview,
  aRestore,
  detailOf,
  ended,
  running,
} from "../tests/builders";
import { lines, LONG, MINUTE, now } from "./data";

const times = {
  enqueued_at: now - 12 * MINUTE,
  started_at: now - 12 * MINUTE,
  finished_at: now - 11 * MINUTE,
};
const path = (index: number) =>
  `/srv/scratch/render-${index % 9}/${index % 13 === 5 ? LONG : "frame"}-${index}.exr`;
const paths = (most: number) => Array.from({ length: most }, (_, index) => path(index));

export function cleaning(): FakeBackend {
  const backend = new FakeBackend();
  const reasons = Object.keys(KEPT_WORDS) as KeptReason[];
  const plan = aPreview(
    paths(1000).map((entry, index) => anEntry(entry, { bytes: 4096 * (1 + (index % 50)) })),
    {
      plan: "preview",
      files_matched: 214_000,
      bytes_matched: 91_000_000_000,
      entries_truncated: true,
      locations: [
        {
          location: "scratch",
          path: "/srv/scratch",
          files_matched: 214_000,
          bytes_matched: 91_000_000_000,
          files_removed: 0,
          bytes_removed: 0,
        },
      ],
      folders: Array.from({ length: 40 }, (_, index) => ({
        location: "scratch",
        folder: index === 3 ? `${LONG}-${LONG}` : index === 7 ? "." : `render-${index}`,
        files: 31_000 - index * 700,
        bytes: 21_000_000_000 / (index + 1),
      })),
      ages: [
        { label: "1 to 7 days", files: 140_000, bytes: 41_900_000_000 },
        { label: "7 to 30 days", files: 70_000, bytes: 41_307_000_000 },
        { label: "more than 1 year", files: 4000, bytes: 8_000_000 },
      ],
      largest: paths(100).map((entry, index) => anEntry(entry, { bytes: 2_180_000_000 / (index + 1) })),
      kept: reasons.map((reason, index) => ({
        reason,
        count: index * 37 + 1,
        examples: paths(Math.min(50, index * 37 + 1)),
      })),
    },
  );
  backend.update(detailOf(ended("succeeded", { id: "preview", dry_run: true, ...times }), plan), lines(8));
  const problems = paths(1000).map((entry, index) => ({
    path: entry,
    reason:
      index % 3 === 0
        ? "the file system is mounted read-only"
        : index % 50 === 1
          ? `not permitted: ${LONG} ${LONG} is immutable`
          : "permission denied: the user who runs the worker needs permission to read and change the folder",
  }));
  const partial = aCleanup({
    ...plan,
    outcome: "partial",
    dry_run: false,
    largest: [],
    files_removed: 210_000,
    files_trashed: 210_000,
    files_kept: 2400,
    files_failed: 1600,
    problems,
    problems_total: 1600,
    removed: paths(1000).map((entry) => ({ path: entry, trashed: true })),
  });
  backend.update(detailOf(ended("partial", { id: "partial", ...times }), partial), lines(20));
  const one = aCleanup({
    files_matched: 1,
    files_removed: 1,
    files_trashed: 1,
    removed: [{ path: path(1), trashed: true }],
  });
  backend.update(detailOf(ended("succeeded", { id: "one", ...times }), one));
  const restored = aRestore({
    cleanup: "partial",
    files_found: 210_000,
    files_restored: 209_998,
    files_failed: 2,
    restored: paths(1000),
    problems: [
      {
        path: path(4),
        reason:
          "something of that name is there now; it was left in the trash: move one of the two away and restore again",
      },
      { path: path(5), reason: "it is no longer in the trash of the user who runs the worker" },
    ],
    problems_total: 2,
  });
  const restore = ended("partial", { id: "restore", operation: "restore-from-trash", ...times });
  backend.update(detailOf({ ...restore, params: { cleanup: "partial" } }, restored), lines(4));
  const nothing = ended("succeeded", { id: "restored-none", operation: "restore-from-trash", ...times });
  backend.update(detailOf(nothing, aRestore()));
  const work = running({ id: "running", ...times, finished_at: null });
  backend.update(detailOf(work));
  let done = 20_400;
  setInterval(() => {
    done = Math.min(200_000, done + 700);
    const progress = { done, total: 200_000, unit: "files", message: "removing files" };
    backend.update(detailOf({ ...work, progress }));
  }, 300);
  backend.overviewValue = anOverview({ "cleanup-temp-files": { current: [work] } });
  backend.onTrigger = ({ operation }) => accepted(operation === "restore-from-trash" ? "restore" : "partial");
  return backend;
}
