//! Which samples of vital signs are worth showing: within a dead band, as in telemetry, nothing is said anew.
//!
//! An idle host's figures waver by a hair all the time, and to draw a window anew costs more than the sample.

use std::time::Duration;

use upkeep_contract::worker::{DiskVitals, HostVitals};

/// However little moves, what is shown is no older than this.
const OLDEST: Duration = Duration::from_secs(60);

/// CPU use, in points of a hundred.
const CPU_POINTS: f64 = 3.0;

/// Load of the last minute, for each core: 0.2 on two cores.
const LOAD_EACH_CORE: f64 = 0.1;

/// Memory and swap, as a share of what there is.
const MEMORY_SHARE: f64 = 0.01;

/// Room on a disk, as a share of its size: 256 MB of 256 GB.
const DISK_SHARE: f64 = 0.001;

/// Whether somebody who sees `shown` should see `sample` instead.
pub(crate) fn is_news(shown: &HostVitals, sample: &HostVitals) -> bool {
    sample.at.since(shown.at) >= OLDEST
        || sample.at < shown.at
        || sample.cpu_cores != shown.cpu_cores
        || cpu_moved(shown.cpu_percent, sample.cpu_percent)
        || moved(
            shown.load_average[0],
            sample.load_average[0],
            LOAD_EACH_CORE * f64::from(sample.cpu_cores.max(1)),
        )
        || bytes_moved(
            (shown.memory_total_bytes, shown.memory_available_bytes),
            (sample.memory_total_bytes, sample.memory_available_bytes),
            MEMORY_SHARE,
        )
        || bytes_moved(
            (shown.swap_total_bytes, shown.swap_used_bytes),
            (sample.swap_total_bytes, sample.swap_used_bytes),
            MEMORY_SHARE,
        )
        || disks_moved(&shown.disks, &sample.disks)
}

fn cpu_moved(shown: Option<f64>, sample: Option<f64>) -> bool {
    match (shown, sample) {
        (Some(shown), Some(sample)) => moved(shown, sample, CPU_POINTS),
        (None, None) => false,
        _ => true,
    }
}

fn moved(shown: f64, sample: f64, band: f64) -> bool {
    (sample - shown).abs() >= band
}

/// Each is what there is in all, and how much of it is free or used.
#[allow(clippy::cast_precision_loss, reason = "a share needs no exact bytes")]
fn bytes_moved(shown: (u64, u64), sample: (u64, u64), share: f64) -> bool {
    let (all, now) = sample;
    all != shown.0 || (all > 0 && now.abs_diff(shown.1) as f64 >= share * all as f64)
}

fn disks_moved(shown: &[DiskVitals], sample: &[DiskVitals]) -> bool {
    shown.len() != sample.len()
        || shown.iter().zip(sample).any(|(shown, sample)| {
            shown.mount != sample.mount
                || bytes_moved(
                    (shown.total_bytes, shown.available_bytes),
                    (sample.total_bytes, sample.available_bytes),
                    DISK_SHARE,
                )
        })
}

#[cfg(test)]
mod tests {
    use upkeep_contract::Timestamp;

    use super::*;

    const GIB: u64 = 1 << 30;

    fn calm() -> HostVitals {
        HostVitals {
            at: Timestamp(1_000_000),
            cpu_percent: Some(2.0),
            cpu_cores: 2,
            memory_total_bytes: 32 * GIB,
            memory_available_bytes: 24 * GIB,
            swap_total_bytes: 0,
            swap_used_bytes: 0,
            load_average: [0.3, 0.2, 0.1],
            disks: vec![DiskVitals {
                mount: "/".to_owned(),
                file_system: "ext4".to_owned(),
                total_bytes: 256 * GIB,
                used_bytes: 156 * GIB,
                available_bytes: 100 * GIB,
            }],
            uptime_seconds: 1000,
        }
    }

    #[test]
    fn what_wavers_is_no_news_and_what_moves_is() {
        let check = |change: fn(&mut HostVitals), news: bool| {
            let mut sample = calm();
            sample.at = Timestamp(1_015_000);
            change(&mut sample);
            assert_eq!(is_news(&calm(), &sample), news, "{sample:?}");
        };
        check(|_| (), false);
        check(
            |sample| {
                sample.cpu_percent = Some(4.9);
                sample.load_average = [0.49, 2.0, 2.0];
                sample.memory_available_bytes -= GIB / 4;
                sample.disks[0].available_bytes += GIB / 5;
                sample.uptime_seconds += 15;
            },
            false,
        );
        check(|sample| sample.cpu_percent = Some(5.0), true);
        check(|sample| sample.cpu_percent = None, true);
        check(|sample| sample.cpu_cores = 4, true);
        check(|sample| sample.load_average[0] = 0.51, true);
        check(|sample| sample.load_average[0] = 0.09, true);
        check(|sample| sample.memory_available_bytes -= GIB / 2, true);
        check(|sample| sample.swap_total_bytes = GIB, true);
        check(|sample| sample.disks[0].available_bytes -= GIB / 3, true);
        check(|sample| sample.disks[0].mount.push_str("srv"), true);
        check(|sample| sample.disks.clear(), true);
        check(|sample| sample.at = Timestamp(1_059_999), false);
        check(|sample| sample.at = Timestamp(1_060_000), true);
        // the clock was set back
        check(|sample| sample.at = Timestamp(999_999), true);
    }

    #[test]
    fn many_small_steps_one_way_are_told_in_the_end() {
        let shown = calm();
        let mut sample = calm();
        let steps = std::iter::from_fn(|| {
            sample.disks[0].available_bytes -= GIB / 20;
            Some(is_news(&shown, &sample))
        });
        assert_eq!(steps.take(10).position(|news| news), Some(5));
    }
}
