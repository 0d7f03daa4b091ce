// filters of the list of tasks under a name. Remembered for this user on this machine.
//
// what is remembered is an address, so that whatever storage holds is read as carefully as any address is.
import { choiceFromQuery, filterHref, type TaskChoice } from "$lib/operations/task-choice";

const KEY = "upkeep.filters";
const NAMES_MAX = 30;
const NAME_MAX = 60;

type Store = Pick<Storage, "getItem" | "setItem">;

interface Saved {
  name: string;
  href: string;
}

export class FilterMemory {
  #saved: Saved[] = $state.raw([]);
  readonly #storage: Store;

  constructor(storage: Store) {
    this.#storage = storage;
    this.#saved = read(storage);
  }

  get names(): string[] {
    return this.#saved.map(({ name }) => name);
  }

  /** The name of this very filter. */
  nameOf(choice: TaskChoice): string | null {
    const href = filterHref(choice);
    return this.#saved.find((saved) => saved.href === href)?.name ?? null;
  }

  get(name: string): TaskChoice | null {
    const href = this.#saved.find((saved) => saved.name === name)?.href;
    return href === undefined ? null : choiceOf(href);
  }

  /** Saves under a name, in place of what had it; says why when it cannot be. */
  save(wished: string, choice: TaskChoice): string {
    const name = wished.trim();
    if (name === "") return "Give it a name.";
    if (name.length > NAME_MAX) return `Give it a name of at most ${NAME_MAX} characters.`;
    const others = this.#saved.filter((saved) => saved.name !== name);
    if (others.length >= NAMES_MAX) return `There are ${NAMES_MAX} already; remove one first.`;
    this.#write([...others, { name, href: filterHref(choice) }]);
    return "";
  }

  remove(name: string): void {
    this.#write(this.#saved.filter((saved) => saved.name !== name));
  }

  #write(saved: Saved[]): void {
    this.#saved = saved.sort((a, b) => a.name.localeCompare(b.name));
    try {
      this.#storage.setItem(KEY, JSON.stringify(this.#saved));
    } catch {
      // it still holds until the window closes
    }
  }
}

function choiceOf(href: string): TaskChoice {
  return choiceFromQuery(new URLSearchParams(href.split("?")[1] ?? ""));
}

function read(storage: Store): Saved[] {
  try {
    const stored: unknown = JSON.parse(storage.getItem(KEY) ?? "[]");
    if (!Array.isArray(stored)) return [];
    return stored
      .flatMap((saved: unknown) => {
        if (typeof saved !== "object" || saved === null) return [];
        const { name, href } = saved as Partial<Record<string, unknown>>;
        if (typeof name !== "string" || name === "" || typeof href !== "string") return [];
        // written anew, so that it compares with what the page shows
        return [{ name, href: filterHref(choiceOf(href)) }];
      })
      .slice(0, NAMES_MAX);
  } catch {
    // forbidden or broken storage remembers nothing
    return [];
  }
}
