// the pages, in the order of the frame, with the letter that goes there after `g`.
import ChartColumn from "@lucide/svelte/icons/chart-column";
import ClipboardList from "@lucide/svelte/icons/clipboard-list";
import HeartPulse from "@lucide/svelte/icons/heart-pulse";
import LayoutDashboard from "@lucide/svelte/icons/layout-dashboard";
import ListChecks from "@lucide/svelte/icons/list-checks";
import Server from "@lucide/svelte/icons/server";
import SettingsIcon from "@lucide/svelte/icons/settings";

export const PAGES = [
  { page: "overview", href: "#/overview", name: "Overview", key: "o", Icon: LayoutDashboard },
  { page: "tasks", href: "#/tasks", name: "Tasks", key: "t", Icon: ListChecks },
  { page: "workers", href: "#/workers", name: "Workers", key: "w", Icon: Server },
  { page: "health", href: "#/health", name: "Health", key: "h", Icon: HeartPulse },
  { page: "statistics", href: "#/statistics", name: "Statistics", key: "s", Icon: ChartColumn },
  { page: "audit", href: "#/audit", name: "Audit", key: "a", Icon: ClipboardList },
  { page: "settings", href: "#/settings", name: "Settings", key: "e", Icon: SettingsIcon },
] as const;
