//! Editing the text of the file: the operator's comments and order stay.
//!
//! Rule: a change that cannot be made is left out and told; it never spoils the others.

mod lists;
mod single;

use std::fs::File;
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;
use toml_edit::{Array, ArrayOfTables, DocumentMut, InlineTable, Item, Table, TableLike, Value};
use upkeep_contract::choice::{check_rules, check_run_store_rules};
use upkeep_contract::settings_draft::SettingChange;

use self::lists::{merge_list, plain};
use self::single::{set_threshold, set_value};
use crate::write::folder_of;
use crate::{ConfigError, Fault, rules};

const LOCATIONS: &str = "locations";
const RUN_STORES: &str = "run_stores";

/// What the changes make of a text, and what is wrong with those that were left out.
pub(crate) fn apply_all(
    text: &str,
    changes: &[SettingChange],
) -> Result<(String, Vec<(usize, ConfigError)>), ConfigError> {
    let mut document = document_of(text)?;
    let mut problems = Vec::new();
    for (index, change) in changes.iter().enumerate() {
        let mut attempt = document.clone();
        match apply(&mut attempt, change) {
            Ok(()) => document = attempt,
            Err(error) => problems.push((index, error)),
        }
    }
    Ok((document.to_string(), problems))
}

/// One change, checked by itself and against what the document holds by then.
fn apply(document: &mut DocumentMut, change: &SettingChange) -> Result<(), ConfigError> {
    match change {
        SettingChange::SaveLocation {
            previous_name,
            location,
        } => {
            check_rules(location)
                .map_err(|fault| refused(fault.key)(Fault::Rule(fault.problem)))?;
            let (name, path) = (&location.name, &location.path);
            save(
                document,
                LOCATIONS,
                previous_name.as_deref(),
                name,
                path,
                location,
            )
        }
        SettingChange::RemoveLocation { name } => remove(document, LOCATIONS, name),
        SettingChange::SaveRunStore {
            previous_name,
            run_store,
        } => {
            check_run_store_rules(run_store)
                .map_err(|fault| refused(fault.key)(Fault::Rule(fault.problem)))?;
            let (name, path) = (&run_store.name, &run_store.path);
            save(
                document,
                RUN_STORES,
                previous_name.as_deref(),
                name,
                path,
                run_store,
            )
        }
        SettingChange::RemoveRunStore { name } => remove(document, RUN_STORES, name),
        SettingChange::Threshold { key, typed } => set_threshold(document, key, typed.as_ref()),
        SettingChange::Value { key, typed } => set_value(document, key, typed.as_deref()),
    }
}

fn document_of(text: &str) -> Result<DocumentMut, ConfigError> {
    text.parse()
        .map_err(|error: toml_edit::TomlError| ConfigError::Refused {
            key: "config.toml".to_owned(),
            fault: Fault::Syntax(error.message().to_owned()),
        })
}

/// Held until dropped. The lock file stays: removing it would let two editors hold two different ones.
pub(crate) fn lock(file: &Path) -> Result<File, ConfigError> {
    let path = folder_of(file).join(".config.toml.lock");
    let locked = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .and_then(|handle| {
            handle.lock()?;
            Ok(handle)
        });
    locked.map_err(|source| ConfigError::Write { file: path, source })
}

fn refused(key: &str) -> impl Fn(Fault) -> ConfigError {
    move |fault| ConfigError::Refused {
        key: key.to_owned(),
        fault,
    }
}

fn save<S: Serialize + DeserializeOwned>(
    document: &mut DocumentMut,
    list: &str,
    previous_name: Option<&str>,
    name: &str,
    path: &str,
    settings: &S,
) -> Result<(), ConfigError> {
    rules::check_name(name).map_err(refused("name"))?;
    rules::check_path(path).map_err(refused("path"))?;
    let wanted = Wanted::of(settings, name, path)?;
    let mut entries = Entries::of(document, list)?;
    if previous_name != Some(name) && entries.position(name).is_some() {
        return Err(refused("name")(Fault::DuplicateName(name.to_owned())));
    }
    match previous_name {
        None => entries.push(&wanted),
        Some(previous) => {
            let entry = entries
                .position(previous)
                .and_then(|index| entries.get(index));
            let entry =
                entry.ok_or_else(|| refused(list)(Fault::NoSuchName(previous.to_owned())))?;
            wanted.merge_into(entry);
        }
    }
    Ok(())
}

fn remove(document: &mut DocumentMut, list: &str, name: &str) -> Result<(), ConfigError> {
    let index = Entries::of(document, list)?
        .position(name)
        .ok_or_else(|| refused(list)(Fault::NoSuchName(name.to_owned())))?;
    *document = document_of(&without_entry(document, list, index)?)?;
    Ok(())
}

/// The entries of a list, whichever of TOML's two ways the operator wrote it.
enum Entries<'a> {
    Tables(&'a mut ArrayOfTables),
    Inline(&'a mut Array),
}

impl<'a> Entries<'a> {
    fn of(document: &'a mut DocumentMut, list: &str) -> Result<Self, ConfigError> {
        let tables = || Item::ArrayOfTables(ArrayOfTables::new());
        let item = document.entry(list).or_insert_with(tables);
        // an empty list `locations = []` gives way to tables, which take comments
        if item.as_array().is_some_and(Array::is_empty) {
            *item = tables();
        }
        match item {
            Item::ArrayOfTables(tables) => Ok(Self::Tables(tables)),
            Item::Value(Value::Array(array)) => Ok(Self::Inline(array)),
            other => Err(refused(list)(Fault::WrongValue {
                problem: format!("it is a {}, not a list", other.type_name()),
                cure: format!("begin each entry with [[{list}]]"),
            })),
        }
    }

    fn position(&self, name: &str) -> Option<usize> {
        let called = |found: Option<&str>| found == Some(name);
        match self {
            Self::Tables(tables) => tables
                .iter()
                .position(|table| called(table.get("name").and_then(Item::as_str))),
            Self::Inline(array) => array.iter().position(|value| {
                let name = value.as_inline_table().and_then(|table| table.get("name"));
                called(name.and_then(Value::as_str))
            }),
        }
    }

    fn get(&mut self, index: usize) -> Option<&mut dyn TableLike> {
        match self {
            Self::Tables(tables) => tables
                .get_mut(index)
                .map(|table| table as &mut dyn TableLike),
            Self::Inline(array) => array
                .get_mut(index)
                .and_then(Value::as_inline_table_mut)
                .map(|table| table as &mut dyn TableLike),
        }
    }

    fn push(&mut self, wanted: &Wanted) {
        match self {
            Self::Tables(tables) => {
                let mut table = table_apart();
                wanted.merge_into(&mut table);
                tables.push(table);
            }
            Self::Inline(array) => {
                let mut table = InlineTable::new();
                wanted.merge_into(&mut table);
                array.push(table);
            }
        }
    }
}

/// The keys an entry shall have, and those it has anyhow when they are not written.
struct Wanted {
    keys: Table,
    defaults: Table,
}

impl Wanted {
    fn of<S: Serialize + DeserializeOwned>(
        settings: &S,
        name: &str,
        path: &str,
    ) -> Result<Self, ConfigError> {
        let defect = |problem: String| {
            refused("settings")(Fault::WrongValue {
                problem,
                cure: "report this as a defect".to_owned(),
            })
        };
        let mut least = DocumentMut::new();
        least["name"] = toml_edit::value(name);
        least["path"] = toml_edit::value(path);
        let least: S =
            toml_edit::de::from_document(least).map_err(|error| defect(error.to_string()))?;
        let table = |settings: &S| {
            toml_edit::ser::to_document(settings)
                .map(|document| document.as_table().clone())
                .map_err(|error| defect(error.to_string()))
        };
        let mut defaults = table(&least)?;
        defaults.remove("name");
        defaults.remove("path");
        Ok(Self {
            keys: table(settings)?,
            defaults,
        })
    }

    /// Touches only what differs, so that quoting, order and comments of the rest stay.
    fn merge_into(&self, entry: &mut dyn TableLike) {
        for (key, wanted) in &self.keys {
            let default = self
                .defaults
                .get(key)
                .is_some_and(|default| same(default, wanted));
            match (entry.get(key), wanted.as_value()) {
                (Some(present), _) if same(present, wanted) => {}
                (None, _) if default => {}
                (_, Some(value)) => set(entry, key, value.clone()),
                (_, None) => {}
            }
        }
    }
}

/// True when two items say the same, however they are written.
fn same(left: &Item, right: &Item) -> bool {
    let plain = |item: &Item| item.as_value().map(plain);
    plain(left).is_some() && plain(left) == plain(right)
}

/// Sets a value and keeps the space and comment around the one that was there.
fn set(table: &mut dyn TableLike, key: &str, mut value: Value) {
    if let (Some(Item::Value(Value::Array(present))), Value::Array(wanted)) =
        (table.get_mut(key), &value)
    {
        merge_list(present, wanted);
    } else if let Some(Item::Value(present)) = table.get_mut(key) {
        *value.decor_mut() = present.decor().clone();
        *present = value;
    } else {
        value.decor_mut().clear();
        table.insert(key, Item::Value(value));
    }
}

/// An empty table that stands apart from what is above it.
fn table_apart() -> Table {
    let mut table = Table::new();
    table.decor_mut().set_prefix("\n");
    table
}

/// The text without one entry. The comment right above an entry goes with it; comments further up,
/// such as the heading of the file, stay.
fn without_entry(
    document: &mut DocumentMut,
    list: &str,
    index: usize,
) -> Result<String, ConfigError> {
    const MARK: &str = "\n# the place of the removed entry \u{e000}\n";
    let mut marked = document.clone();
    let mut kept = None;
    match (
        Entries::of(document, list)?,
        Entries::of(&mut marked, list)?,
    ) {
        (Entries::Inline(array), _) => {
            array.remove(index);
        }
        (Entries::Tables(tables), Entries::Tables(marked)) => {
            let removed = tables.remove(index);
            let above = removed
                .decor()
                .prefix()
                .and_then(|prefix| prefix.as_str())
                .unwrap_or_default()
                .to_owned();
            if let Some(table) = marked.get_mut(index) {
                table.decor_mut().set_prefix(MARK);
            }
            let heading = above.rfind("\n\n").map_or("", |end| &above[..end + 2]);
            kept = (!heading.trim().is_empty()).then(|| heading.to_owned());
        }
        (Entries::Tables(_), Entries::Inline(_)) => {}
    }
    let mut text = document.to_string();
    // both texts are the same up to the place of the entry
    if let (Some(kept), Some(place)) = (kept, marked.to_string().find(MARK)) {
        text.insert_str(place.min(text.len()), &kept);
    }
    Ok(text)
}
