// reports, logs and names that the scenes show.
import type { HealthCheck } from "$lib/generated/HealthCheck";
import type { CleanupReport } from "$lib/generated/CleanupReport";
import type { LogLine } from "$lib/generated/LogLine";
import { aHealth, anEntry, aPreview } from "../tests/builders";

export const MINUTE = 60_000;
export const now = Date.now();
export const LONG = "a-very-long-name-that-nobody-thought-of-when-the-columns-were-drawn-and-that-never-ends";

export function preview(): CleanupReport {
  const entries = Array.from({ length: 214 }, (_, index) =>
    anEntry(`/srv/scratch/render-${index % 7}/cache/frame-${String(index).padStart(5, "0")}.exr`, {
      bytes: 1_000_000 + index * 131_071,
      modified_at: now - (30 + index) * 60 * MINUTE,
    }),
  );
  entries.push(
    anEntry(`/srv/scratch/${LONG}/${LONG}/not-utf8-\\xff.tmp`, { kind: "symbolic_link", bytes: 0 }),
  );
  return aPreview(entries, {
    bytes_matched: 3_207_000_000,
    locations: [
      {
        location: "scratch",
        path: "/srv/scratch",
        files_matched: 215,
        bytes_matched: 3_207_000_000,
        files_removed: 0,
        bytes_removed: 0,
      },
    ],
    folders: Array.from({ length: 7 }, (_, index) => ({
      location: "scratch",
      folder: `render-${index}`,
      files: 31 - index,
      bytes: 500_000_000 - index * 7e7,
    })),
    ages: [
      { label: "1 to 7 days", files: 140, bytes: 1_900_000_000 },
      { label: "7 to 30 days", files: 75, bytes: 1_307_000_000 },
    ],
    kept: [
      { reason: "in_use", count: 2, examples: ["/srv/scratch/render-1/lock", "/srv/scratch/render-2/lock"] },
      { reason: "special_file", count: 1, examples: ["/srv/scratch/agent.sock"] },
    ],
    problems: [
      {
        path: "/srv/scratch/secret",
        reason: "permission denied: the worker may not read this folder; change its mode",
      },
    ],
    problems_total: 1,
    largest: Array.from({ length: 12 }, (_, index) =>
      anEntry(`/srv/scratch/render-${index % 7}/frame-${index}.exr`, { bytes: 180_000_000 - index * 9e6 }),
    ),
  });
}

export const health = aHealth({
  status: "degraded",
  checked_at: now - MINUTE,
  checks: [
    check("cpu", "ok", 12.5, "percent", 90, 98, "CPU use was 12.5 % over half a second", ""),
    check(
      "memory",
      "warning",
      91,
      "percent",
      80,
      95,
      "91 % of the memory is in use",
      "Close what you do not need.",
    ),
    check("disk:/", "ok", 57, "percent", 90, 95, "211 GB are free", ""),
    check("inodes:/", "ok", 8, "percent", 90, 95, "", ""),
    check(
      "pressure:io",
      "unknown",
      null,
      "percent",
      20,
      50,
      "the kernel gives no pressure figures",
      "Boot with psi=1.",
    ),
    check("load", "ok", 0.2, "per core", 1, 2, "", ""),
  ],
});

function check(
  id: string,
  status: "ok" | "warning" | "critical" | "unknown",
  observed: number | null,
  unit: string,
  warning: number,
  critical: number,
  message: string,
  action: string,
) {
  const remedies: HealthCheck["remedies"] = [];
  return { id, status, observed, unit, warning, critical, message, action, remedies };
}

export function lines(count: number): LogLine[] {
  return Array.from({ length: count }, (_, index) => ({
    sequence: index + 1,
    attempt: index < 6 ? 1 : 2,
    at: now - (count - index) * 700,
    level: index % 11 === 7 ? "warning" : index === 5 ? "error" : "info",
    message:
      index % 11 === 7
        ? `kept /srv/scratch/${LONG}/file-${index}: in use`
        : `removed a batch of 1000 files, ${index} done`,
  }));
}
