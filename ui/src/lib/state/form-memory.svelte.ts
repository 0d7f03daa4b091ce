// the values a form was last used with, and those saved under a name. Remembered for this user on this machine.
//
// what is remembered only fills a form. Storage may hold anything: whoever reads a value checks that it still fits.
import type { OperationId } from "$lib/generated/OperationId";

const KEY = "upkeep.forms";
const NAMES_MAX = 20;
const NAME_MAX = 60;

/** The preset that every form has: what the operation's schema says. */
export const DEFAULTS = "Defaults";

interface Remembered {
  last: unknown;
  named: { name: string; values: unknown }[];
}

type Store = Pick<Storage, "getItem" | "setItem">;

export class FormMemory {
  #forms: Record<OperationId, Remembered> = $state.raw({});
  readonly #storage: Store;

  constructor(storage: Store) {
    this.#storage = storage;
    this.#forms = read(storage);
  }

  /** What a form was last used with; nothing when that is not known. */
  last(operation: OperationId): unknown {
    return this.#of(operation).last;
  }

  names(operation: OperationId): string[] {
    return this.#of(operation).named.map(({ name }) => name);
  }

  values(operation: OperationId, name: string): unknown {
    return this.#of(operation).named.find((preset) => preset.name === name)?.values;
  }

  /** Notes what a form is used with now. */
  use(operation: OperationId, values: unknown): void {
    this.#write(operation, { ...this.#of(operation), last: values });
  }

  /** Saves under a name, in place of what had it; says why when it cannot be. */
  save(operation: OperationId, wished: string, values: unknown): string {
    const name = wished.trim();
    if (name === "") return "Give it a name.";
    if (name.length > NAME_MAX) return `Give it a name of at most ${NAME_MAX} characters.`;
    if (name === DEFAULTS) return `“${DEFAULTS}” is what Upkeep calls its own; give it another name.`;
    const { last, named } = this.#of(operation);
    const others = named.filter((preset) => preset.name !== name);
    if (others.length >= NAMES_MAX) return `There are ${NAMES_MAX} already; remove one first.`;
    const all = [...others, { name, values }].sort((a, b) => a.name.localeCompare(b.name));
    this.#write(operation, { last, named: all });
    return "";
  }

  remove(operation: OperationId, name: string): void {
    const { last, named } = this.#of(operation);
    this.#write(operation, { last, named: named.filter((preset) => preset.name !== name) });
  }

  #of(operation: OperationId): Remembered {
    return Object.hasOwn(this.#forms, operation) ? (this.#forms[operation] ?? NOTHING) : NOTHING;
  }

  #write(operation: OperationId, remembered: Remembered): void {
    this.#forms = { ...this.#forms, [operation]: remembered };
    try {
      this.#storage.setItem(KEY, JSON.stringify(this.#forms));
    } catch {
      // it still holds until the window closes
    }
  }
}

const NOTHING: Remembered = { last: undefined, named: [] };

function read(storage: Store): Record<OperationId, Remembered> {
  const forms: Record<OperationId, Remembered> = {};
  try {
    const stored: unknown = JSON.parse(storage.getItem(KEY) ?? "{}");
    if (!isRecord(stored)) return forms;
    for (const [operation, remembered] of Object.entries(stored)) {
      if (!isRecord(remembered)) continue;
      const named = Array.isArray(remembered.named) ? remembered.named.flatMap(presetOf) : [];
      forms[operation] = { last: remembered.last, named: named.slice(0, NAMES_MAX) };
    }
  } catch {
    // forbidden or broken storage remembers nothing
  }
  return forms;
}

function presetOf(stored: unknown): { name: string; values: unknown }[] {
  if (!isRecord(stored) || typeof stored.name !== "string" || stored.name === "") return [];
  return [{ name: stored.name, values: stored.values }];
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
