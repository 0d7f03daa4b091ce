//! Times, sizes and reasons in words.

use std::time::Duration;

use jiff::tz::TimeZone;
use upkeep_contract::Timestamp;
use upkeep_contract::waiting::Waiting;

/// A moment in this machine's time zone, to the second.
pub(crate) fn local(at: Timestamp) -> String {
    jiff::Timestamp::from_millisecond(at.as_millis()).map_or_else(
        |_| at.to_string(),
        |time| {
            let zoned = time.to_zoned_datetime(TimeZone::system());
            zoned.strftime("%Y-%m-%d %H:%M:%S").to_string()
        },
    )
}

/// How long something took or lasts.
pub(crate) fn lasting(duration: Duration) -> String {
    let milliseconds = duration.as_millis();
    let seconds = duration.as_secs();
    match seconds {
        0 => format!("{milliseconds} ms"),
        1..=9 if duration.subsec_millis() > 0 => format!("{:.1} s", duration.as_secs_f64()),
        1..=59 => format!("{seconds} s"),
        60..=3599 => both(seconds / 60, "min", seconds % 60, "s"),
        3600..=86_399 => both(seconds / 3600, "h", seconds % 3600 / 60, "min"),
        _ => both(seconds / 86_400, "d", seconds % 86_400 / 3600, "h"),
    }
}

fn both(large: u64, unit: &str, small: u64, small_unit: &str) -> String {
    if small == 0 {
        format!("{large} {unit}")
    } else {
        format!("{large} {unit} {small} {small_unit}")
    }
}

/// How long ago, by this clock.
pub(crate) fn ago(at: Timestamp, now: Timestamp) -> String {
    format!("{} ago", lasting(now.since(at)))
}

/// A size in decimal units, as the app and file managers show it: 1 kB is 1000 bytes.
#[expect(
    clippy::cast_precision_loss,
    reason = "one decimal is shown of sizes far below 2^52 units"
)]
pub(crate) fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["kB", "MB", "GB", "TB", "PB"];
    if bytes < 1000 {
        return format!("{bytes} B");
    }
    let mut value = bytes as f64 / 1000.0;
    let mut unit = 0;
    // what would be shown as 1000.0 belongs to the next unit
    while value >= 999.95 && unit + 1 < UNITS.len() {
        value /= 1000.0;
        unit += 1;
    }
    format!("{value:.1} {}", UNITS[unit])
}

/// `1 file`, `2 files`.
pub(crate) fn counted(count: u64, one: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {one}{plural}")
}

/// Why a task waits; nothing when its turn simply comes.
pub(crate) fn waiting(reason: &Waiting, now: Timestamp) -> Option<String> {
    let on = |host: &Option<String>| {
        host.as_ref()
            .map(|host| format!(" on {host}"))
            .unwrap_or_default()
    };
    Some(match reason {
        Waiting::Turn => return None,
        Waiting::OperationPaused { by, since } => {
            format!("the operation was paused by {by}, {}", ago(*since, now))
        }
        Waiting::NoWorker { host, last_seen } => {
            let seen = last_seen.map_or_else(
                || "there never was one".to_owned(),
                |at| format!("the last was seen {}", ago(at, now)),
            );
            format!(
                "nobody is there to do it: no worker for it is alive{} ({seen})",
                on(host)
            )
        }
        Waiting::WorkersDraining { host } => {
            format!("every worker for it{} is draining", on(host))
        }
        Waiting::BackOff { until } => format!("it is tried again at {}", local(*until)),
        Waiting::LimitReached { hosts } => {
            format!("another one runs on {}", hosts.join(", "))
        }
    })
}

/// What helps a task that waits.
pub(crate) fn waiting_hint(reason: &Waiting) -> Option<&'static str> {
    match reason {
        Waiting::NoWorker { host: None, .. } => {
            Some("start a worker with `upkeep-worker run`, or open the app")
        }
        Waiting::NoWorker { host: Some(_), .. } => Some("start `upkeep-worker run` on that host"),
        Waiting::WorkersDraining { .. } => {
            Some("`upkeepctl workers resume WORKER` lets one claim tasks again")
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_like_speech() {
        let check = |milliseconds, expect: &str| {
            assert_eq!(lasting(Duration::from_millis(milliseconds)), expect);
        };
        check(0, "0 ms");
        check(999, "999 ms");
        check(1500, "1.5 s");
        check(2000, "2 s");
        check(59_999, "59 s");
        check(60_000, "1 min");
        check(200_000, "3 min 20 s");
        check(7_500_000, "2 h 5 min");
        check(277_200_000, "3 d 5 h");
    }

    #[test]
    fn sizes_have_one_decimal() {
        let check = |bytes, expect: &str| assert_eq!(size(bytes), expect);
        check(0, "0 B");
        check(999, "999 B");
        check(8192, "8.2 kB");
        check(999_960, "1.0 MB");
        check(u64::MAX, "18446.7 PB");
    }
}
