// what the command palette offers, and which of it fits what was typed.

export interface Command {
  id: string;
  /** Under which heading it stands. */
  section: string;
  name: string;
  /** Other words for it. */
  words?: string;
  /** The keys that do the same. */
  keys?: string;
  run: () => void;
}

/** Those of which every typed word begins a word of the name, section or other words; those whose name begins so first. */
export function matchingCommands(commands: readonly Command[], typed: string): Command[] {
  const wanted = words(typed);
  if (wanted.length === 0) return [...commands];
  return commands
    .filter(({ name, section, words: more = "" }) => {
      const offered = words(`${name} ${section} ${more}`);
      return wanted.every((word) => offered.some((other) => other.startsWith(word)));
    })
    .map((command, place) => ({
      command,
      place,
      rank: words(command.name)[0]?.startsWith(wanted[0] ?? "") ? 0 : 1,
    }))
    .sort((a, b) => a.rank - b.rank || a.place - b.place)
    .map(({ command }) => command);
}

function words(text: string): string[] {
  return text
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u)
    .filter(Boolean);
}
