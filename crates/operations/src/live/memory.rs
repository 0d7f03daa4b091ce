//! Memory and swap, out of `/proc/meminfo`.

use upkeep_contract::live::{LiveMemory, LiveSwap};

use super::text::{lines, number, words};

/// What the text tells; zeros where it tells nothing.
pub(super) fn read(meminfo: &[u8]) -> (LiveMemory, LiveSwap) {
    let (mut total, mut free, mut buffers, mut cached) = (0, 0, 0, 0);
    let (mut reclaimable, mut swap_total, mut swap_free) = (0, 0, 0);
    let mut available = None;
    for line in lines(meminfo) {
        let mut parts = words(line);
        let place = match parts.next().unwrap_or_default() {
            b"MemTotal:" => &mut total,
            b"MemFree:" => &mut free,
            b"MemAvailable:" => available.insert(0),
            b"Buffers:" => &mut buffers,
            b"Cached:" => &mut cached,
            b"SwapTotal:" => &mut swap_total,
            b"SwapFree:" => &mut swap_free,
            b"SReclaimable:" => &mut reclaimable,
            _ => continue,
        };
        *place = parts.next().and_then(number).unwrap_or(0) * 1024;
    }
    // as `free` counts it: what the kernel keeps of directories gives way as well
    let cached = cached + reclaimable;
    // kernels before 3.14 do not say what is available
    let available = available.unwrap_or(free + buffers + cached).min(total);
    let memory = LiveMemory {
        total_bytes: total,
        available_bytes: available,
        used_bytes: total - available,
        free_bytes: free,
        cached_bytes: Some(cached),
        buffers_bytes: Some(buffers),
    };
    let swap = LiveSwap {
        total_bytes: swap_total,
        used_bytes: swap_total.saturating_sub(swap_free),
    };
    (memory, swap)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_used_is_all_but_the_available() {
        let text = b"MemTotal: 1000 kB\nMemFree: 100 kB\nMemAvailable: 700 kB\nBuffers: 50 kB\nCached: 500 kB\n\
            SwapCached: 3 kB\nSwapTotal: 200 kB\nSwapFree: 150 kB\nSReclaimable: 80 kB\n";
        let (memory, swap) = read(text);
        assert_eq!(memory.used_bytes, 300 * 1024);
        assert_eq!(memory.cached_bytes, Some(580 * 1024));
        assert_eq!(memory.buffers_bytes, Some(50 * 1024));
        assert_eq!(swap.used_bytes, 50 * 1024);
    }

    #[test]
    fn an_old_kernel_and_a_host_without_swap_are_told_honestly() {
        let (memory, swap) =
            read(b"MemTotal: 1000 kB\nMemFree: 100 kB\nBuffers: 50 kB\nCached: 500 kB\n");
        assert_eq!(memory.available_bytes, 650 * 1024);
        assert_eq!(swap, LiveSwap::default());
        assert_eq!(read(b"").0.total_bytes, 0);
    }
}
