//! Thresholds and single values: set, and taken back to the default.
//!
//! Rule: no comment is lost. A key that goes back to its default is removed; where the operator wrote
//! something beside it, it stays and says the default instead.

use toml_edit::{DocumentMut, InlineTable, Item, TableLike, Value};
use upkeep_contract::settings_draft::TypedThreshold;
use upkeep_contract::thresholds::{Measure, Threshold};

use super::{refused, same, set, table_apart};
use crate::read::threshold_fault;
use crate::values::{SingleValue, decimal};
use crate::{ConfigError, Fault};

/// Sets both thresholds of one check, or none to go back to the defaults.
pub(super) fn set_threshold(
    document: &mut DocumentMut,
    key: &str,
    typed: Option<&TypedThreshold>,
) -> Result<(), ConfigError> {
    let dotted = format!("health.{key}");
    let measure = Measure::of_key(key).ok_or_else(|| refused(&dotted)(Fault::NoSuchSetting))?;
    let wanted = match typed {
        None => measure.default_threshold(),
        Some(typed) => Threshold::new(
            decimal(&typed.warning).map_err(refused(&format!("{dotted}.warning")))?,
            decimal(&typed.critical).map_err(refused(&format!("{dotted}.critical")))?,
        ),
    };
    measure
        .check(wanted)
        .map_err(|fault| refused(&dotted)(threshold_fault(measure, fault)))?;
    if typed.is_none() && !document.contains_key("health") {
        return Ok(());
    }
    let health = table_of(document, "health")?;
    let present = health.get_mut(key);
    if typed.is_none() && (present.is_none() || may_go(health, key)) {
        health.remove(key);
        return Ok(());
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
    Ok(())
}

/// Sets a single value, or none to go back to the default.
pub(super) fn set_value(
    document: &mut DocumentMut,
    key: &str,
    typed: Option<&str>,
) -> Result<(), ConfigError> {
    let single = SingleValue::of_key(key).ok_or_else(|| refused(key)(Fault::NoSuchSetting))?;
    let default = single.default_text();
    let wanted = single
        .read(typed.unwrap_or(&default))
        .map_err(refused(key))?;
    let (table, key) = single.place();
    if typed.is_none() && !document.contains_key(table) {
        return Ok(());
    }
    let values = table_of(document, table)?;
    if typed.is_none() && (!values.contains_key(key) || may_go(values, key)) {
        values.remove(key);
    } else if wanted.is_integer() {
        set_number(values, key, wanted);
    } else if !values
        .get(key)
        .is_some_and(|present| same(present, &Item::Value(wanted.clone())))
    {
        set(values, key, wanted);
    }
    Ok(())
}

/// The table of that name, made when it is not there.
fn table_of<'a>(
    document: &'a mut DocumentMut,
    name: &str,
) -> Result<&'a mut dyn TableLike, ConfigError> {
    if !document.contains_key(name) {
        let mut table = table_apart();
        // comments at the end of the file stay above what is added below them
        let trailing = document.trailing().as_str().unwrap_or_default().to_owned();
        if trailing.contains('#') {
            table.decor_mut().set_prefix(format!("{trailing}\n"));
            document.set_trailing("");
        }
        document.insert(name, Item::Table(table));
    }
    let item = document.entry(name).or_insert_with(Item::default);
    item.as_table_like_mut().ok_or_else(|| {
        refused(name)(Fault::WrongValue {
            problem: "it is no table".to_owned(),
            cure: format!("write [{name}], and its keys below it"),
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
