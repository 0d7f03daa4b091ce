// shares out of vital signs.
import type { DiskVitals } from "$lib/generated/DiskVitals";

/** What is used of a whole, 0 to 100. */
export function usedShare(total: number, available: number): number {
  return total > 0 ? Math.min(100, Math.max(0, (1 - available / total) * 100)) : 0;
}

/** What is used of a file system as `df` counts it: what is kept back for root is neither used nor free. */
export function diskShare(disk: Pick<DiskVitals, "used_bytes" | "available_bytes">): number {
  return usedShare(disk.used_bytes + disk.available_bytes, disk.available_bytes);
}

/** The file system that will be full first, by share. */
export function fullestDisk(disks: readonly DiskVitals[]): DiskVitals | null {
  return disks
    .filter((disk) => disk.total_bytes > 0)
    .reduce<DiskVitals | null>(
      (fullest, disk) => (fullest && diskShare(fullest) >= diskShare(disk) ? fullest : disk),
      null,
    );
}
