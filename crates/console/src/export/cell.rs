//! A cell of a report's table, and how it is written as text.

use jiff::tz::TimeZone;
use serde_json::Value;
use upkeep_contract::Timestamp;

/// A column: its name for programs, its heading for people.
#[derive(Clone, Copy, Debug)]
pub(super) struct Column {
    pub(super) name: &'static str,
    pub(super) heading: &'static str,
    /// A page is narrow: it leaves out what only programs need.
    pub(super) on_page: bool,
}

/// A column for everybody.
pub(super) const fn column(name: &'static str, heading: &'static str) -> Column {
    Column {
        name,
        heading,
        on_page: true,
    }
}

/// A column for programs.
pub(super) const fn detail(name: &'static str, heading: &'static str) -> Column {
    Column {
        name,
        heading,
        on_page: false,
    }
}

/// What a cell holds.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Cell {
    Empty,
    Text(String),
    Integer(i64),
    Real(f64),
    Truth(bool),
    Time(Timestamp),
    /// Parameters: text in a table, what it is in JSON.
    Json(Value),
}

impl Cell {
    pub(super) fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    pub(super) fn maybe<T>(value: Option<T>, cell: impl FnOnce(T) -> Self) -> Self {
        value.map_or(Self::Empty, cell)
    }

    pub(super) fn count(count: u64) -> Self {
        Self::Integer(i64::try_from(count).unwrap_or(i64::MAX))
    }

    /// As text; times are RFC 3339 with the zone's offset.
    pub(super) fn shown(&self, zone: &TimeZone) -> String {
        match self {
            Self::Empty => String::new(),
            Self::Text(text) => text.clone(),
            Self::Integer(number) => number.to_string(),
            Self::Real(number) => number.to_string(),
            Self::Truth(truth) => truth.to_string(),
            Self::Time(at) => rfc3339(*at, zone),
            Self::Json(value) => value.to_string(),
        }
    }

    /// As JSON.
    pub(super) fn json(&self, zone: &TimeZone) -> Value {
        match self {
            Self::Empty => Value::Null,
            Self::Integer(number) => (*number).into(),
            Self::Real(number) => (*number).into(),
            Self::Truth(truth) => (*truth).into(),
            Self::Json(value) => value.clone(),
            Self::Text(_) | Self::Time(_) => self.shown(zone).into(),
        }
    }

    /// True for what a spreadsheet may take for a number and nothing else.
    pub(super) fn is_number(&self) -> bool {
        matches!(self, Self::Integer(_) | Self::Real(_))
    }
}

/// RFC 3339 with the zone's offset; a time that no calendar has, in milliseconds since 1970.
pub(super) fn rfc3339(at: Timestamp, zone: &TimeZone) -> String {
    jiff::Timestamp::from_millisecond(at.as_millis()).map_or_else(
        |_| at.to_string(),
        |time| time.display_with_offset(zone.to_offset(time)).to_string(),
    )
}

/// A text that no spreadsheet takes for a formula: one that begins with `=`, `+`, `-`, `@`, a tab, a
/// carriage return or a line feed, or with an apostrophe, gets an apostrophe in front. Numbers stay.
pub fn defused(text: &str) -> String {
    let risky = text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) && !is_plain_number(text);
    if risky || text.starts_with('\'') {
        format!("'{text}")
    } else {
        text.to_owned()
    }
}

/// What a defused text was: without the one apostrophe in front, if there is one.
pub fn read_back(text: &str) -> &str {
    text.strip_prefix('\'').unwrap_or(text)
}

/// A sign, digits, and perhaps a fraction: `-3`, `+0.5`.
fn is_plain_number(text: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let text = text.strip_prefix(['+', '-']).unwrap_or(text);
    match text.split_once('.') {
        Some((whole, fraction)) => digits(whole) && digits(fraction),
        None => digits(text),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn formulas_are_defused_and_read_back() {
        let check = |text: &str, expect: &str| {
            assert_eq!(defused(text), expect);
            assert_eq!(read_back(&defused(text)), text);
        };
        check("", "");
        check("plain = text", "plain = text");
        check("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0");
        check("+1+1", "'+1+1");
        check("-2+3", "'-2+3");
        check("@SUM(A1)", "'@SUM(A1)");
        check("\t=1", "'\t=1");
        check("\r=1", "'\r=1");
        check("\n=1", "'\n=1");
        check("'already", "''already");
        check("'=1", "''=1");
        check("-5", "-5");
        check("+0.25", "+0.25");
        check("-1e9", "'-1e9");
        check("-.5", "'-.5");
        check("--5", "'--5");
    }

    #[test]
    fn times_carry_their_offset() {
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        let at = |ms| rfc3339(Timestamp(ms), &zone);
        assert_eq!(at(1_795_431_395_000), "2026-11-23T11:56:35+01:00");
        assert_eq!(at(1_782_000_000_123), "2026-06-21T02:00:00.123+02:00");
        assert_eq!(at(i64::MAX), "9223372036854775807 ms");
    }

    proptest! {
        #[test]
        fn no_text_stays_a_formula_and_each_reads_back(text in "[=+@'\t\r\n0-9.-]{0,4}\\PC{0,8}") {
            let cell = defused(&text);
            prop_assert_eq!(read_back(&cell), text.as_str());
            let formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']);
            prop_assert!(!formula || cell.parse::<f64>().is_ok());
        }
    }
}
