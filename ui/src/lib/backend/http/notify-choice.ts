// of which ends this browser tells. The browser keeps the permission for this address, so the choice lies beside it.
import type { NotifyOf } from "$lib/generated/NotifyOf";
import type { Preferences } from "$lib/generated/Preferences";
import { BackendError } from "../errors";

const KEY = "upkeep.notify-of";
const CHOICES: readonly string[] = ["off", "problems", "all"] satisfies NotifyOf[];

/** Nothing is told until somebody chose it here and the browser agreed. */
export function readChoice(): Preferences {
  if (!("Notification" in window) || Notification.permission !== "granted") return { notify_of: "off" };
  try {
    const stored = window.localStorage.getItem(KEY) ?? "";
    return { notify_of: CHOICES.includes(stored) ? (stored as NotifyOf) : "off" };
  } catch {
    // storage can be forbidden
    return { notify_of: "off" };
  }
}

/** Called by a click, because only then a browser asks. */
export async function keepChoice(preferences: Preferences): Promise<Preferences> {
  if (preferences.notify_of !== "off" && !(await allowed())) {
    throw new BackendError({
      code: "refused",
      message: "this browser does not let Upkeep show notifications",
      hint: window.isSecureContext
        ? "allow notifications for this address in the browser's settings, then choose again"
        : "browsers show them only for pages over https or of this machine: open Upkeep by such an address",
    });
  }
  window.localStorage.setItem(KEY, preferences.notify_of);
  return preferences;
}

async function allowed(): Promise<boolean> {
  if (!("Notification" in window)) return false;
  if (Notification.permission === "default") return (await Notification.requestPermission()) === "granted";
  return Notification.permission === "granted";
}
