// is all well? One answer from what is known, the worst first, and honest about what nobody looked at.
import type { HealthRecord } from "$lib/generated/HealthRecord";
import type { Task } from "$lib/generated/Task";
import type { Timestamp } from "$lib/generated/Timestamp";
import { counted, relativeTime } from "$lib/format";
import type { Tone } from "./states";
import type { Trouble } from "./troubles";

/** A check older than this says little of now. */
const OLD_CHECK_MS = 24 * 3_600_000;

export interface Known {
  troubles: readonly Trouble[];
  health: HealthRecord | null;
  /** What ended badly since the operator last looked. */
  bad: readonly Task[];
  workersAlive: number;
}

export interface Fact {
  text: string;
  href: string | null;
}

export interface Wellness {
  tone: Tone;
  headline: string;
  facts: Fact[];
}

interface Finding extends Fact {
  tone: "good" | "warn" | "bad" | "quiet";
}

function ofHealth(health: HealthRecord | null, now: Timestamp): Finding {
  const report = health?.report;
  if (!health || !report) return { tone: "quiet", text: "this machine was never checked", href: "#/health" };
  const when = relativeTime(report.checked_at, now);
  const href = "#/health";
  const bad = report.checks.filter(({ status }) => status === "critical" || status === "warning").length;
  if (report.status === "healthy") {
    const old = now - report.checked_at > OLD_CHECK_MS;
    return old
      ? { tone: "quiet", text: `healthy when last checked, ${when}`, href }
      : { tone: "good", text: `checked healthy ${when}`, href };
  }
  const words = bad > 0 ? counted(bad, "check needs attention", "checks need attention") : report.status;
  return { tone: report.status === "critical" ? "bad" : "warn", text: `${words} (${when})`, href };
}

function ofTasks(bad: readonly Task[]): Finding {
  const failed = bad.filter(({ state }) => state === "failed").length;
  if (bad.length === 0)
    return { tone: "good", text: "nothing ended badly since you last looked", href: null };
  const words = `${counted(bad.length, "task")} ended badly since you last looked`;
  return { tone: failed > 0 ? "bad" : "warn", text: words, href: null };
}

const WORST = ["bad", "warn", "quiet", "good"] as const;

export function wellness(known: Known, now: Timestamp): Wellness {
  const away = known.troubles.find(({ stale }) => stale);
  if (away) {
    // what was read before says nothing of now
    return { tone: "bad", headline: "Upkeep needs attention", facts: [{ text: away.title, href: null }] };
  }
  const findings: Finding[] = [
    ...known.troubles.map(({ tone, title }): Finding => ({ tone, text: title, href: null })),
    ofTasks(known.bad),
    ofHealth(known.health, now),
  ];
  if (known.workersAlive > 0)
    findings.push({
      tone: "good",
      text: `${counted(known.workersAlive, "worker")} alive`,
      href: "#/workers",
    });
  findings.sort((a, b) => WORST.indexOf(a.tone) - WORST.indexOf(b.tone));
  const worst = findings[0]?.tone ?? "quiet";
  const headlines = {
    bad: "Something needs attention",
    warn: "Look at this when you can",
    quiet: "Nothing is known to be wrong",
    good: "All is well",
  };
  return {
    tone: worst,
    headline: headlines[worst],
    facts: findings.map(({ text, href }) => ({ text, href })),
  };
}
