//! Thresholds: set, and taken back to the default.
//!
//! Rule: no comment is lost. A key that goes back to its default is removed; where the operator wrote
//! something beside it, it stays and says the default instead.

use std::path::Path;

use toml_edit::{DocumentMut, InlineTable, Item, TableLike, Value};
use upkeep_contract::thresholds::{HealthNumber, Measure, Threshold};

use super::{edit, refused, set, table_apart};
use crate::read::{check_number, threshold_fault};
use crate::{ConfigError, Fault};

/// Sets both thresholds of one check, or none to go back to the defaults.
///
/// # Errors
/// [`ConfigError::Refused`] when they are out of range or the wrong way round; [`ConfigError::Invalid`]
/// when the present file is wrong. The file is as it was then.
pub fn set_threshold(
    file: &Path,
    measure: Measure,
    threshold: Option<Threshold>,
) -> Result<(), ConfigError> {
    let key = measure.key();
    let wanted = threshold.unwrap_or_else(|| measure.default_threshold());
    measure
        .check(wanted)
        .map_err(|fault| refused(&format!("health.{key}"))(threshold_fault(measure, fault)))?;
    edit(file, |document| {
        if threshold.is_none() && !document.contains_key("health") {
            return Ok(document.to_string());
        }
        let health = health_of(document)?;
        let present = health.get_mut(key);
        if threshold.is_none() && (present.is_none() || may_go(health, key)) {
            health.remove(key);
            return Ok(document.to_string());
        }
        let pair = [
            ("warning", number(wanted.warning)),
            ("critical", number(wanted.critical)),
        ];
        if let Some(levels) = health.get_mut(key).and_then(Item::as_table_like_mut) {
            for (level, value) in pair {
                set_number(levels, level, value);
            }
        } else {
            set(
                health,
                key,
                Value::InlineTable(pair.into_iter().collect::<InlineTable>()),
            );
        }
        Ok(document.to_string())
    })
}

/// Sets a number of the health check, or none to go back to the default.
///
/// # Errors
/// As [`set_threshold`].
pub fn set_health_number(
    file: &Path,
    number: HealthNumber,
    value: Option<u64>,
) -> Result<(), ConfigError> {
    let key = number.key();
    let wanted = value.unwrap_or_else(|| number.default_value());
    check_number(number, wanted).map_err(refused(&format!("health.{key}")))?;
    edit(file, |document| {
        if value.is_none() && !document.contains_key("health") {
            return Ok(document.to_string());
        }
        let health = health_of(document)?;
        if value.is_none() && (!health.contains_key(key) || may_go(health, key)) {
            health.remove(key);
            return Ok(document.to_string());
        }
        // what is in range fits: the largest is 2^53
        set_number(health, key, whole(wanted));
        Ok(document.to_string())
    })
}

/// `[health]`, made when it is not there.
fn health_of(document: &mut DocumentMut) -> Result<&mut dyn TableLike, ConfigError> {
    if !document.contains_key("health") {
        let mut table = table_apart();
        // comments at the end of the file stay above what is added below them
        let trailing = document.trailing().as_str().unwrap_or_default().to_owned();
        if trailing.contains('#') {
            table.decor_mut().set_prefix(format!("{trailing}\n"));
            document.set_trailing("");
        }
        document.insert("health", Item::Table(table));
    }
    let item = document.entry("health").or_insert_with(Item::default);
    item.as_table_like_mut().ok_or_else(|| {
        refused("health")(Fault::WrongValue {
            problem: "it is no table".to_owned(),
            cure: "write [health], and its keys below it".to_owned(),
        })
    })
}

/// True when nothing that the operator wrote would go with this key.
fn may_go(table: &dyn TableLike, key: &str) -> bool {
    let Some((name, item)) = table.get_key_value(key) else {
        return true;
    };
    let around = [name.leaf_decor(), name.dotted_decor()];
    let around = around
        .iter()
        .flat_map(|decor| [decor.prefix(), decor.suffix()])
        .flatten()
        .filter_map(|text| text.as_str());
    let value = item
        .as_value()
        .map(Value::decor)
        .into_iter()
        .flat_map(|decor| [decor.prefix(), decor.suffix()])
        .flatten()
        .filter_map(|text| text.as_str());
    let header = item
        .as_table()
        .and_then(|table| table.decor().prefix())
        .and_then(|text| text.as_str());
    let mut beside = around.chain(value).chain(header);
    !beside.any(|text| text.contains('#')) && !item.to_string().contains('#')
}

/// Touches the number only when it says something else, so that its spelling stays.
fn set_number(table: &mut dyn TableLike, key: &str, value: Value) {
    let as_float = |value: &Value| {
        value
            .as_float()
            .or_else(|| value.as_integer().and_then(exact))
    };
    let present = table.get(key).and_then(Item::as_value).and_then(as_float);
    if present.is_none() || present != as_float(&value) {
        set(table, key, value);
    }
}

/// The same number as a float, where a float can say it.
fn exact(number: i64) -> Option<f64> {
    #[expect(
        clippy::cast_precision_loss,
        reason = "thresholds and numbers are at most 2^53"
    )]
    (number.unsigned_abs() <= 1 << 53).then_some(number as f64)
}

/// A number without a fraction is written without one.
fn number(value: f64) -> Value {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "thresholds are above 0 and far below 2^53"
    )]
    let rounded = value as i64;
    if exact(rounded) == Some(value) {
        Value::from(rounded)
    } else {
        Value::from(value)
    }
}

fn whole(value: u64) -> Value {
    Value::from(i64::try_from(value).unwrap_or(i64::MAX))
}
