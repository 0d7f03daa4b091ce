//! The single values of the file: which there are, what each may be, and what a typed text means.
//!
//! Rule: what was typed is judged here and by the reader of the file, with the same ranges and words.

use toml_edit::Value;
use upkeep_contract::settings_draft::{TakesEffect, ValueKind, ValueSetting};
use upkeep_contract::thresholds::HealthNumber;
use upkeep_contract::worker::ClaimStrategy;

use crate::read::{check_number, out_of_range};
use crate::settings::CleaningSettings;
use crate::{Configuration, Fault, WorkerSettings};

/// A key that holds one value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SingleValue {
    PlanMaxAge,
    Embedded,
    Concurrency,
    Strategy,
    Lease,
    Health(HealthNumber),
}

impl SingleValue {
    pub(crate) const ALL: [Self; 7] = [
        Self::PlanMaxAge,
        Self::Embedded,
        Self::Concurrency,
        Self::Strategy,
        Self::Lease,
        Self::Health(HealthNumber::DiskFloor),
        Self::Health(HealthNumber::ProbeLimit),
    ];

    /// The table it stands in, and its key there.
    pub(crate) fn place(self) -> (&'static str, &'static str) {
        match self {
            Self::PlanMaxAge => ("cleaning", "plan_max_age_hours"),
            Self::Embedded => ("worker", "embedded"),
            Self::Concurrency => ("worker", "concurrency"),
            Self::Strategy => ("worker", "strategy"),
            Self::Lease => ("worker", "lease_seconds"),
            Self::Health(number) => ("health", number.key()),
        }
    }

    /// Its dotted key.
    pub(crate) fn key(self) -> String {
        let (table, key) = self.place();
        format!("{table}.{key}")
    }

    pub(crate) fn of_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|value| value.key() == key)
    }

    /// What the configuration says of it, written as it is typed.
    pub(crate) fn of(self, configuration: &Configuration) -> String {
        let worker = &configuration.worker;
        match self {
            Self::PlanMaxAge => configuration.cleaning.plan_max_age_hours.to_string(),
            Self::Embedded => worker.embedded.to_string(),
            Self::Concurrency => worker.concurrency.to_string(),
            Self::Strategy => worker.strategy.as_str().to_owned(),
            Self::Lease => worker.lease_seconds.to_string(),
            Self::Health(number) => configuration.health.number(number).to_string(),
        }
    }

    pub(crate) fn default_text(self) -> String {
        self.of(&Configuration::empty())
    }

    pub(crate) fn takes_effect(self) -> TakesEffect {
        match self {
            Self::PlanMaxAge | Self::Health(_) => TakesEffect::NextTask,
            Self::Embedded => TakesEffect::NextAppStart,
            Self::Concurrency | Self::Strategy | Self::Lease => TakesEffect::NextWorkerStart,
        }
    }

    fn kind(self) -> ValueKind {
        let number = |range: (u64, u64), unit: Option<&str>| ValueKind::Number {
            least: range.0,
            most: range.1,
            unit: unit.map(str::to_owned),
        };
        match self {
            Self::PlanMaxAge => {
                let hours = CleaningSettings::PLAN_MAX_AGE_HOURS;
                number(
                    (u64::from(*hours.start()), u64::from(*hours.end())),
                    Some("hours"),
                )
            }
            Self::Embedded => ValueKind::Switch,
            Self::Concurrency => {
                let tasks = WorkerSettings::CONCURRENCY;
                number((*tasks.start(), *tasks.end()), Some("tasks"))
            }
            Self::Strategy => ValueKind::Choice {
                choices: ClaimStrategy::ALL
                    .map(|strategy| strategy.as_str().to_owned())
                    .into(),
            },
            Self::Lease => {
                let seconds = WorkerSettings::LEASE_SECONDS;
                number((*seconds.start(), *seconds.end()), Some("seconds"))
            }
            Self::Health(of) => number((*of.range().start(), *of.range().end()), Some(of.unit())),
        }
    }

    /// What the file shall say for what was typed.
    pub(crate) fn read(self, typed: &str) -> Result<Value, Fault> {
        let typed = typed.trim();
        match self {
            Self::Embedded => typed
                .parse::<bool>()
                .map(Value::from)
                .map_err(|_| wrong(typed, "write true or false")),
            Self::Strategy => ClaimStrategy::parse(typed)
                .map(|strategy| Value::from(strategy.as_str()))
                .ok_or_else(|| {
                    wrong(
                        typed,
                        "write \"priority\", \"fifo\", \"lifo\" or \"weighted-random\"",
                    )
                }),
            Self::Health(number) => {
                let value = whole(typed)?;
                check_number(number, value)?;
                Ok(as_toml(value))
            }
            Self::PlanMaxAge | Self::Concurrency | Self::Lease => {
                let value = whole(typed)?;
                if let ValueKind::Number { least, most, .. } = self.kind()
                    && !(least..=most).contains(&value)
                {
                    return Err(out_of_range(&value, &least, &most));
                }
                Ok(as_toml(value))
            }
        }
    }
}

/// Every single value but those of the health check, which stand with its thresholds.
pub fn value_settings(configuration: &Configuration) -> Vec<ValueSetting> {
    let shown = SingleValue::ALL
        .into_iter()
        .filter(|value| !matches!(value, SingleValue::Health(_)));
    shown
        .map(|value| ValueSetting {
            key: value.key(),
            kind: value.kind(),
            value: value.of(configuration),
            default: value.default_text(),
            takes_effect: value.takes_effect(),
        })
        .collect()
}

fn whole(typed: &str) -> Result<u64, Fault> {
    typed
        .parse()
        .map_err(|_| wrong(typed, "write a whole number, without quotes"))
}

/// A number as it was typed.
pub(crate) fn decimal(typed: &str) -> Result<f64, Fault> {
    typed
        .trim()
        .parse()
        .map_err(|_| wrong(typed.trim(), "write a number, such as 90 or 0.5"))
}

fn wrong(typed: &str, cure: &str) -> Fault {
    let problem = if typed.is_empty() {
        "nothing stands there".to_owned()
    } else {
        format!("`{typed}`")
    };
    Fault::WrongValue {
        problem,
        cure: cure.to_owned(),
    }
}

/// What is in range fits: the largest is 2^53.
fn as_toml(value: u64) -> Value {
    Value::from(i64::try_from(value).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_has_a_default_that_can_be_typed() {
        for value in SingleValue::ALL {
            assert_eq!(SingleValue::of_key(&value.key()), Some(value));
            assert!(value.read(&value.default_text()).is_ok(), "{value:?}");
        }
        assert_eq!(SingleValue::of_key("worker.concurency"), None);
    }

    #[test]
    fn what_is_typed_is_judged_in_its_own_words() {
        let check = |value: SingleValue, typed: &str, expect: &str| {
            let said = match value.read(typed) {
                Ok(value) => value.to_string(),
                Err(fault) => format!("{fault}; {}", fault.cure()),
            };
            assert_eq!(said, expect);
        };
        check(SingleValue::Concurrency, " 8 ", "8");
        check(
            SingleValue::Concurrency,
            "0",
            "is 0, outside 1 to 256; give a number from 1 to 256",
        );
        check(
            SingleValue::Lease,
            "1.5",
            "has a value that cannot be used: `1.5`; write a whole number, without quotes",
        );
        check(
            SingleValue::PlanMaxAge,
            "",
            "has a value that cannot be used: nothing stands there; write a whole number, without quotes",
        );
        check(SingleValue::Embedded, "false", "false");
        check(SingleValue::Strategy, "lifo", "\"lifo\"");
        check(
            SingleValue::Strategy,
            "newest",
            "has a value that cannot be used: `newest`; write \"priority\", \"fifo\", \"lifo\" or \"weighted-random\"",
        );
    }
}
