// what the first page costs: its scripts, packed as they would travel. A build whose first page became too heavy fails.
import { gzipSync } from "node:zlib";
import type { Plugin } from "vite";

/** Thousand bytes of JavaScript, packed, that the first page may take. */
export const MOST_KB = 120;

/** A part of a build, as far as it matters here. */
export interface Chunk {
  type: string;
  code?: string;
  isEntry?: boolean;
  imports?: string[];
  moduleIds?: string[];
}

/** The files that are read before the first page can be drawn: the entry, and what it names, and so on. */
export function firstPage(bundle: Record<string, Chunk>): string[] {
  const files = Object.keys(bundle).filter((file) => bundle[file]?.isEntry);
  for (const file of files) {
    for (const next of bundle[file]?.imports ?? []) if (!files.includes(next)) files.push(next);
  }
  return files;
}

/** Bytes of these files, packed one by one. */
export function packed(bundle: Record<string, Chunk>, files: readonly string[]): number {
  return files.reduce((sum, file) => sum + gzipSync(bundle[file]?.code ?? "").length, 0);
}

/** Modules of development that got into the build. */
export function strangers(bundle: Record<string, Chunk>): string[] {
  const modules = Object.values(bundle).flatMap((chunk) => chunk.moduleIds ?? []);
  return modules.filter((id) => /\/ui\/(dev|tests)\/|\/axe-core\//.test(id));
}

export function checkFirstPage(): Plugin {
  return {
    name: "first-page",
    apply: "build",
    generateBundle(_, bundle) {
      const parts: Record<string, Chunk> = bundle;
      const [files, strange] = [firstPage(parts), strangers(parts)];
      const kb = packed(parts, files) / 1000;
      if (strange.length > 0) this.error(`not for the build: ${strange.join(", ")}`);
      if (kb > MOST_KB)
        this.error(
          `the first page takes ${kb.toFixed(1)} KB of packed JavaScript, more than ${MOST_KB}: load by import() what it can do without`,
        );
      this.info(`the first page takes ${kb.toFixed(1)} of ${MOST_KB} KB of packed JavaScript`);
    },
  };
}
