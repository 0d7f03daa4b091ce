// shares out of vital signs.
import type { DiskVitals } from "$lib/generated/DiskVitals";

/** What is used of a whole, 0 to 100. */
export function usedShare(total: number, available: number): number {
  return total > 0 ? Math.min(100, Math.max(0, (1 - available / total) * 100)) : 0;
}

/** The file system that will be full first, by share. */
export function fullestDisk(disks: readonly DiskVitals[]): DiskVitals | null {
  const share = (disk: DiskVitals) => usedShare(disk.total_bytes, disk.available_bytes);
  return disks
    .filter((disk) => disk.total_bytes > 0)
    .reduce<DiskVitals | null>(
      (fullest, disk) => (fullest && share(fullest) >= share(disk) ? fullest : disk),
      null,
    );
}
