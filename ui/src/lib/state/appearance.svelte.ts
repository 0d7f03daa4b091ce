// light, dark, or what the system says. Remembered for this user on this machine.

export const APPEARANCES = ["system", "light", "dark"] as const;
export type Appearance = (typeof APPEARANCES)[number];

const KEY = "upkeep.appearance";

export function readAppearance(storage: Pick<Storage, "getItem">): Appearance {
  try {
    const stored = storage.getItem(KEY);
    return APPEARANCES.find((appearance) => appearance === stored) ?? "system";
  } catch {
    // storage can be forbidden; the system's choice is always right enough
    return "system";
  }
}

class AppearanceState {
  current: Appearance = $state(readAppearance(window.localStorage));

  /** Puts the choice on the document; called once before anything is drawn. */
  apply(): void {
    const root = document.documentElement;
    if (this.current === "system") delete root.dataset.appearance;
    else root.dataset.appearance = this.current;
  }

  choose(appearance: Appearance): void {
    this.current = appearance;
    this.apply();
    try {
      window.localStorage.setItem(KEY, appearance);
    } catch {
      // it still holds until the window closes
    }
  }
}

export const appearance = new AppearanceState();
