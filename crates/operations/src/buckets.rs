//! Where a range of time is cut for a chart: a unit that fits, and edges where people expect them.
//!
//! Days, weeks and months begin at midnight of a time zone, also where the clocks are changed.

use jiff::civil::{DateTime, time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, ToSpan};
use upkeep_contract::Timestamp;

/// A chart with more stretches than this is a carpet.
const MOST: i64 = 62;

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const DAY_MS: i64 = 24 * HOUR_MS;

/// How long a stretch is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    /// So many minutes; an hour has a whole number of them.
    Minutes(i64),
    /// Six hours, or a day, or a week.
    Hours(i64),
    Months(i64),
}

impl Unit {
    /// From the shortest to the longest, with their lengths in milliseconds.
    const ALL: [(Self, i64); 10] = [
        (Self::Minutes(1), MINUTE_MS),
        (Self::Minutes(5), 5 * MINUTE_MS),
        (Self::Minutes(15), 15 * MINUTE_MS),
        (Self::Minutes(60), HOUR_MS),
        (Self::Hours(6), 6 * HOUR_MS),
        (Self::Hours(24), DAY_MS),
        (Self::Hours(24 * 7), 7 * DAY_MS),
        (Self::Months(1), 30 * DAY_MS),
        (Self::Months(3), 91 * DAY_MS),
        (Self::Months(12), 365 * DAY_MS),
    ];

    /// The shortest that cuts the range into few enough stretches; none for ranges of a century.
    fn that_fits(length_ms: i64) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|(_, unit_ms)| length_ms / unit_ms <= MOST)
            .map(|(unit, _)| unit)
    }

    /// The beginning of the stretch that holds this moment. Weeks begin on Mondays.
    fn begin(self, at: DateTime) -> DateTime {
        let midnight = at.date().to_datetime(time(0, 0, 0, 0));
        match self {
            Self::Minutes(minutes) => {
                let minute = i64::from(at.minute()) / minutes * minutes;
                let minute = i8::try_from(minute).unwrap_or(0);
                at.date().to_datetime(time(at.hour(), minute, 0, 0))
            }
            Self::Hours(hours) if hours < 24 => {
                let hour = i64::from(at.hour()) / hours * hours;
                let hour = i8::try_from(hour).unwrap_or(0);
                at.date().to_datetime(time(hour, 0, 0, 0))
            }
            Self::Hours(hours) if hours > 24 => {
                let days = at.date().weekday().to_monday_zero_offset();
                midnight.saturating_sub(i64::from(days).days())
            }
            Self::Hours(_) => midnight,
            Self::Months(months) => {
                let month = (i64::from(at.month()) - 1) / months * months + 1;
                let month = i8::try_from(month).unwrap_or(1);
                DateTime::new(at.year(), month, 1, 0, 0, 0, 0).unwrap_or(midnight)
            }
        }
    }
}

/// The edges within a range, by this machine's time zone.
pub fn local_edges(from: Timestamp, to: Timestamp) -> Vec<Timestamp> {
    edges(from, to, &TimeZone::system())
}

/// The edges within a range; none for a range that no calendar has, or a very short one.
pub fn edges(from: Timestamp, to: Timestamp, zone: &TimeZone) -> Vec<Timestamp> {
    let length = to.as_millis().saturating_sub(from.as_millis());
    let (Some(unit), Ok(begin)) = (
        Unit::that_fits(length),
        jiff::Timestamp::from_millisecond(from.as_millis()),
    ) else {
        return Vec::new();
    };
    let mut civil = unit.begin(zone.to_datetime(begin));
    let mut edges = Vec::new();
    let Ok(mut edge) = zone.to_timestamp(civil) else {
        return edges;
    };
    while edge.as_millisecond() < to.as_millis() {
        if edge > begin {
            edges.push(Timestamp(edge.as_millisecond()));
        }
        let next = match unit {
            // an hour that the clocks repeat has its own stretches
            Unit::Minutes(minutes) => edge.checked_add(SignedDuration::from_mins(minutes)),
            // a day is a day, however many hours it has
            Unit::Hours(hours) if hours % 24 == 0 => {
                civil = civil.saturating_add((hours / 24).days());
                zone.to_timestamp(civil)
            }
            Unit::Hours(hours) => {
                civil = civil.saturating_add(hours.hours());
                zone.to_timestamp(civil)
            }
            Unit::Months(months) => {
                civil = civil.saturating_add(months.months());
                zone.to_timestamp(civil)
            }
        };
        match next {
            Ok(next) if next > edge => edge = next,
            _ => break,
        }
    }
    edges
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        let time: jiff::Timestamp = text.parse().unwrap();
        Timestamp(time.as_millisecond())
    }

    fn check(from: &str, to: &str, zone: &str, count: usize, first: &str, last: &str) {
        let zone = TimeZone::get(zone).unwrap();
        let edges = edges(at(from), at(to), &zone);
        assert_eq!(edges.len(), count, "{from} to {to}");
        assert_eq!(
            (edges[0], edges[count - 1]),
            (at(first), at(last)),
            "{from} to {to}"
        );
        assert!(edges.is_sorted_by(|a, b| a < b));
    }

    #[test]
    fn edges_lie_where_people_expect_them() {
        let (now, zone) = ("2026-11-23T10:56:35Z", "Europe/Berlin");
        check(
            "2026-11-23T09:56:35Z",
            now,
            zone,
            60,
            "2026-11-23T09:57:00Z",
            "2026-11-23T10:56:00Z",
        );
        check(
            "2026-11-22T10:56:35Z",
            now,
            zone,
            24,
            "2026-11-22T11:00:00Z",
            "2026-11-23T10:00:00Z",
        );
        check(
            "2026-11-16T10:56:35Z",
            now,
            zone,
            28,
            "2026-11-16T11:00:00Z",
            "2026-11-23T05:00:00Z",
        );
        check(
            "2026-10-24T10:56:35Z",
            now,
            zone,
            30,
            "2026-10-24T22:00:00Z",
            "2026-11-22T23:00:00Z",
        );
        check(
            "2025-11-23T10:56:35Z",
            now,
            zone,
            53,
            "2025-11-23T23:00:00Z",
            "2026-11-22T23:00:00Z",
        );
        check(
            "2023-01-10T00:00:00Z",
            now,
            zone,
            46,
            "2023-01-31T23:00:00Z",
            "2026-10-31T23:00:00Z",
        );
    }

    #[test]
    fn a_day_of_25_hours_is_one_stretch_and_its_repeated_hour_has_its_own() {
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        let days = edges(
            at("2026-10-10T12:00:00Z"),
            at("2026-11-05T12:00:00Z"),
            &zone,
        );
        let lengths: Vec<i64> = days
            .windows(2)
            .map(|pair| (pair[1].0 - pair[0].0) / HOUR_MS)
            .collect();
        assert_eq!(lengths.iter().filter(|hours| **hours == 25).count(), 1);
        assert!(lengths.iter().all(|hours| matches!(hours, 24 | 25)));
        let hours = edges(
            at("2026-10-24T22:00:00Z"),
            at("2026-10-25T12:00:00Z"),
            &zone,
        );
        assert!(
            hours
                .windows(2)
                .all(|pair| pair[1].0 - pair[0].0 == 15 * MINUTE_MS)
        );
    }

    #[test]
    fn odd_ranges_end() {
        let zone = TimeZone::UTC;
        assert_eq!(edges(Timestamp(5), Timestamp(5), &zone), []);
        assert_eq!(edges(Timestamp(9), Timestamp(5), &zone), []);
        assert_eq!(edges(Timestamp(i64::MIN), Timestamp(i64::MAX), &zone), []);
        assert!(edges(Timestamp(0), at("2026-11-23T10:56:35Z"), &zone).len() <= 62);
    }
}
