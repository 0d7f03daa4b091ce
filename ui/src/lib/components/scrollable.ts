// a box that scrolls sideways can be scrolled by keys, too, and says what it is; one that has room for all it
// holds is no stop for Tab.
import type { Attachment } from "svelte/attachments";

export function scrollable(name: string): Attachment<HTMLElement> {
  return (element) => {
    function look() {
      const scrolls = element.scrollWidth > element.clientWidth;
      if (scrolls === element.hasAttribute("tabindex")) return;
      // somebody who stands there is not thrown out
      if (!scrolls && element === document.activeElement) return;
      for (const [attribute, value] of [
        ["tabindex", "0"],
        ["role", "region"],
        ["aria-label", name],
      ] as const) {
        if (scrolls) element.setAttribute(attribute, value);
        else element.removeAttribute(attribute);
      }
    }
    look();
    const sizes = new ResizeObserver(look);
    sizes.observe(element);
    for (const child of element.children) sizes.observe(child);
    return () => sizes.disconnect();
  };
}
