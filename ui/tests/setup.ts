// what every test begins with: an empty storage and a window that can be seen.
import { beforeEach } from "vitest";
import { setVisibility } from "./window";

beforeEach(() => {
  window.localStorage.clear();
  setVisibility("visible");
});
