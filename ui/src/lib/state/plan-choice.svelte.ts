// what whoever looks at a plan decides before it is executed: what is left out, and that its size was read.
import { SvelteSet } from "svelte/reactivity";
import type { CleanupReport } from "$lib/generated/CleanupReport";
import type { PlanEntry } from "$lib/generated/PlanEntry";
import type { PlanEntryRef } from "$lib/generated/PlanEntryRef";
import { fates, keyOf, plannedWithout, refOf, type PlanDecision } from "$lib/operations/leaving-out";
import { isTyped, toType } from "$lib/operations/reach";

export class PlanChoice implements PlanDecision {
  readonly report: CleanupReport;
  /** Keys of what was unticked; what lies in an unticked folder is not among them. */
  readonly #leftOut = new SvelteSet<string>();
  typed = $state("");

  constructor(report: CleanupReport) {
    this.report = report;
  }

  readonly fates = $derived.by(() => fates(this.report.entries, this.#leftOut));
  readonly plan = $derived.by(() => plannedWithout(this.report, this.fates));
  readonly staying = $derived.by(() => this.fates.filter((fate) => fate !== "goes").length);
  readonly nothingGoes = $derived.by(
    () => !this.report.entries_truncated && this.staying === this.report.entries.length,
  );
  readonly toType = $derived.by(() => toType(this.plan));
  readonly ready = $derived.by(
    () => !this.nothingGoes && (this.toType === null || isTyped(this.typed, this.toType)),
  );

  set(entry: PlanEntry, goes: boolean): void {
    if (goes) this.#leftOut.delete(keyOf(entry));
    else this.#leftOut.add(keyOf(entry));
  }

  clear(): void {
    this.#leftOut.clear();
  }

  /** What to send; none when nothing is left out. */
  get leaveOut(): PlanEntryRef[] {
    return this.report.entries.filter((entry) => this.#leftOut.has(keyOf(entry))).map(refOf);
  }
}
