// the contract's texts are lower-case without a final stop; a page begins its sentences with a capital.

export function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** `a`, `a and b`, `a, b and 3 more`. */
export function listed(names: readonly string[], most = 4): string {
  if (names.length <= 1) return names[0] ?? "";
  if (names.length > most)
    return `${names.slice(0, most - 1).join(", ")} and ${names.length - most + 1} more`;
  return `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}

/** The end of an id: its beginning is the time, which neighbours share. */
export function shortId(id: string): string {
  return id.length > 10 ? `…${id.slice(-8)}` : id;
}
