// the contract's texts are lower-case without a final stop; a page begins its sentences with a capital.

export function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
