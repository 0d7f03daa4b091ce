// a report on its way into a file: asked for, being written, there, left to the browser, given up, or not possible.
import type { Backend, ExportStep, Stop } from "$lib/backend/backend";
import type { ErrorReply } from "$lib/generated/ErrorReply";
import type { ExportFormat } from "$lib/generated/ExportFormat";
import type { ExportSubject } from "$lib/generated/ExportSubject";
import { counted } from "$lib/format";

type Saved = Extract<ExportStep, { status: "saved" }>;

export class ExportFlow {
  format: ExportFormat = $state("csv");
  /** What is going on; nothing before the first and after a dismissed dialog. */
  update: ExportStep | null = $state.raw(null);
  error: ErrorReply | null = $state.raw(null);
  readonly #backend: Backend;
  readonly #subject: ExportSubject;
  readonly #announce: (text: string) => void;
  #stop: Stop | null = null;

  constructor(backend: Backend, subject: ExportSubject, announce: (text: string) => void) {
    this.#backend = backend;
    this.#subject = subject;
    this.#announce = announce;
  }

  get busy(): boolean {
    return this.update?.status === "choosing" || this.update?.status === "writing";
  }

  get saved(): Saved | null {
    return this.update?.status === "saved" ? this.update : null;
  }

  /** The browser has it, and shows how far it is. */
  get handedOver(): boolean {
    return this.update?.status === "handed_over";
  }

  start(): void {
    if (this.busy) return;
    this.error = null;
    this.update = { status: "choosing" };
    this.#stop = this.#backend.exportReport(
      { subject: this.#subject, format: this.format },
      {
        update: (update) => this.#receive(update),
        failed: ({ reply }) => this.#receive({ status: "failed", error: reply }),
      },
    );
  }

  /** Gives it up; what was written is removed. */
  cancel(): void {
    this.#stop?.();
    this.#stop = null;
    if (this.busy) {
      this.update = null;
      this.#announce("The report was given up. Nothing was left behind.");
    }
  }

  #receive(update: ExportStep): void {
    this.update = update;
    switch (update.status) {
      case "failed":
        this.error = update.error;
        this.update = null;
        break;
      case "dismissed":
        this.update = null;
        break;
      case "saved":
        this.#announce(`The report was saved with ${counted(update.rows, "row")}.`);
        break;
      case "handed_over":
        this.#announce("The browser downloads the report.");
        break;
    }
  }
}
