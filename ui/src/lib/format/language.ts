// gives the navigator a valid language as soon as it is imported; main.ts imports it before anything else.
import { ensureValidLanguage } from "./intl";

ensureValidLanguage(navigator);
