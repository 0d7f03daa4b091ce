// every formatter of Intl is made here, with a language that is known to be valid.
//
// under LANG=C a webview says that its language is "C", which no formatter accepts.
// the words of this UI are English, so numbers and dates follow the operator's English, or British English.

const FALLBACK = "en-GB";

function isValid(tag: string): boolean {
  try {
    return Intl.getCanonicalLocales(tag).length === 1;
  } catch {
    return false;
  }
}

/** The first valid English tag among those wished for. */
export function safeLocale(wished: readonly (string | undefined)[]): string {
  const english = wished.find((tag) => tag !== undefined && /^en\b/i.test(tag) && isValid(tag));
  return english ?? FALLBACK;
}

/** Gives the navigator a valid language when it has none, for libraries that ask it themselves. */
export function ensureValidLanguage(navigator: Navigator): void {
  if (navigator.language && isValid(navigator.language)) return;
  Object.defineProperty(navigator, "language", { value: FALLBACK, configurable: true });
  Object.defineProperty(navigator, "languages", { value: [FALLBACK], configurable: true });
}

const locale = safeLocale(
  typeof navigator === "undefined" ? [] : [...(navigator.languages ?? []), navigator.language],
);

export function numberFormat(options?: Intl.NumberFormatOptions): Intl.NumberFormat {
  return new Intl.NumberFormat(locale, options);
}

export function dateFormat(options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  return new Intl.DateTimeFormat(locale, options);
}
