//! Parameters of the operations, as a person or program gives them.
//!
//! `serde` reads them, `schemars` publishes them, `validate` says what is wrong.
//! Unknown keys are refused: a misspelt limit must never mean "no limit".

use std::collections::HashSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::choice::{MIN_SIZE_BYTES_MAX, check_patterns};
use crate::cleanup::PlanEntryRef;
use crate::{PlanId, TaskId};

/// The age used when none is given: a day, what `tmpreaper` and `systemd-tmpfiles` users start from.
pub const DEFAULT_MAX_AGE_HOURS: f64 = 24.0;
/// The age used for history and run stores when none is given: 30 days.
pub const DEFAULT_RUN_MAX_AGE_HOURS: f64 = 720.0;
/// The largest age accepted: 100 years; above it a number is more likely a unit mistaken.
pub const LARGEST_MAX_AGE_HOURS: f64 = 876_600.0;
/// The same as a whole number.
pub(crate) const LARGEST_MAX_AGE_HOURS_WHOLE: u32 = 876_600;

/// So many entries of a plan can be left out: as many as its report lists.
pub const LEAVE_OUT_MAX: usize = crate::cleanup::REPORT_ENTRIES_MAX;
/// The longest name of an entry, bytes: the longest path that a report names, with every byte escaped.
pub const ENTRY_NAME_MAX: usize = 3 * 4096;

/// A parameter that cannot be accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("parameter `{key}` {problem}")]
pub struct InvalidParameter {
    /// The parameter's key.
    pub key: String,
    /// What is wrong with it and what would be right.
    pub problem: String,
}

/// Parameters that can say whether they make sense.
pub trait Validate {
    /// Checks what the type alone cannot.
    ///
    /// # Errors
    /// [`InvalidParameter`] names the first key that is wrong.
    fn validate(&self) -> Result<(), InvalidParameter>;
}

/// Parameters of `cleanup-temp-files`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[ts(optional_fields)]
pub struct CleanupTempFilesParams {
    /// Files older than this many hours are removed; 0 means every file. A location's own least age stands above it.
    #[schemars(range(min = 0.0, max = 876_600.0))]
    pub max_age_hours: f64,
    /// Names of configured locations; none means all that are turned on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locations: Option<Vec<String>>,
    /// Patterns of what is left out, besides what each location leaves out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exclude: Option<Vec<String>>,
    /// Smaller files stay, besides what each location says of sizes.
    #[schemars(range(min = 0, max = 9_007_199_254_740_992_u64))]
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(type = "number")]
    pub min_size_bytes: Option<u64>,
    /// Only find out what would be removed, and write a plan.
    pub dry_run: bool,
    /// Remove exactly what this plan lists, nothing else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plan: Option<PlanId>,
    /// Entries of the plan that stay; a directory stays with everything the plan lists in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1000))]
    pub leave_out: Option<Vec<PlanEntryRef>>,
}

impl Default for CleanupTempFilesParams {
    fn default() -> Self {
        Self {
            max_age_hours: DEFAULT_MAX_AGE_HOURS,
            locations: None,
            exclude: None,
            min_size_bytes: None,
            dry_run: false,
            plan: None,
            leave_out: None,
        }
    }
}

impl Validate for CleanupTempFilesParams {
    fn validate(&self) -> Result<(), InvalidParameter> {
        check_age(self.max_age_hours)?;
        check_names("locations", self.locations.as_deref())?;
        check_patterns(self.exclude.as_deref().unwrap_or_default())
            .map_err(|problem| invalid("exclude", format!("{problem}; {}", problem.cure())))?;
        if let Some(size) = self.min_size_bytes.filter(|it| *it > MIN_SIZE_BYTES_MAX) {
            let problem = format!("is {size}; give bytes from 0 to {MIN_SIZE_BYTES_MAX}");
            return Err(invalid("min_size_bytes", problem));
        }
        check_plan(self.dry_run, self.plan.as_ref())?;
        check_leave_out(self.plan.as_ref(), self.leave_out.as_deref())
    }
}

/// Parameters of `cleanup-runs`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[ts(optional_fields)]
pub struct CleanupRunsParams {
    /// Finished tasks and run directories older than this many hours are removed; 0 means all of them.
    #[schemars(range(min = 0.0, max = 876_600.0))]
    pub max_age_hours: f64,
    /// Whether finished tasks of the history are removed.
    pub history: bool,
    /// Names of configured run stores; none means all that are turned on, an empty list means no run store.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run_stores: Option<Vec<String>>,
    /// Write a SQLite file anew that cannot shrink in steps; whoever writes waits meanwhile. Needed once at most.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub rewrite_database: bool,
    /// Only find out what would be removed, and write a plan.
    pub dry_run: bool,
    /// Remove exactly what this plan lists, nothing else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plan: Option<PlanId>,
    /// Entries of the plan that stay; a directory stays with everything the plan lists in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1000))]
    pub leave_out: Option<Vec<PlanEntryRef>>,
}

impl Default for CleanupRunsParams {
    fn default() -> Self {
        Self {
            max_age_hours: DEFAULT_RUN_MAX_AGE_HOURS,
            history: true,
            run_stores: None,
            rewrite_database: false,
            dry_run: false,
            plan: None,
            leave_out: None,
        }
    }
}

impl Validate for CleanupRunsParams {
    fn validate(&self) -> Result<(), InvalidParameter> {
        check_age(self.max_age_hours)?;
        check_names("run_stores", self.run_stores.as_deref())?;
        if self.rewrite_database && !self.history {
            return Err(invalid(
                "rewrite_database",
                "needs `history`; without it the database is not touched",
            ));
        }
        check_plan(self.dry_run, self.plan.as_ref())?;
        check_leave_out(self.plan.as_ref(), self.leave_out.as_deref())
    }
}

/// Parameters of `health-check`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct HealthCheckParams {
    /// Milliseconds over which CPU use is averaged; sysinfo needs at least 200 between two readings.
    #[schemars(range(min = 200, max = 60_000))]
    pub cpu_window_ms: u32,
}

impl Default for HealthCheckParams {
    fn default() -> Self {
        Self { cpu_window_ms: 500 }
    }
}

impl Validate for HealthCheckParams {
    fn validate(&self) -> Result<(), InvalidParameter> {
        in_range("cpu_window_ms", self.cpu_window_ms, 200, 60_000)
    }
}

/// Parameters of `log-statistics`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LogStatisticsParams {
    /// The figures of the queue cover this many past hours.
    #[schemars(range(min = 1, max = 87_660))]
    pub range_hours: u32,
}

impl Default for LogStatisticsParams {
    fn default() -> Self {
        Self { range_hours: 24 }
    }
}

impl Validate for LogStatisticsParams {
    fn validate(&self) -> Result<(), InvalidParameter> {
        in_range("range_hours", self.range_hours, 1, 87_660)
    }
}

/// Parameters of `restore-from-trash`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RestoreFromTrashParams {
    /// The cleanup whose files go back from the trash.
    pub cleanup: TaskId,
}

impl Validate for RestoreFromTrashParams {
    fn validate(&self) -> Result<(), InvalidParameter> {
        let id = self.cleanup.as_str();
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if !id.is_empty() && id.bytes().all(plain) {
            return Ok(());
        }
        Err(invalid(
            "cleanup",
            format!("is `{id}`, which is no id of a task; copy it from the cleanup's page"),
        ))
    }
}

fn invalid(key: &str, problem: impl Into<String>) -> InvalidParameter {
    InvalidParameter {
        key: key.to_owned(),
        problem: problem.into(),
    }
}

fn in_range(key: &str, value: u32, least: u32, most: u32) -> Result<(), InvalidParameter> {
    if (least..=most).contains(&value) {
        return Ok(());
    }
    Err(invalid(
        key,
        format!("is {value}; give a whole number from {least} to {most}"),
    ))
}

fn check_age(hours: f64) -> Result<(), InvalidParameter> {
    if hours.is_finite() && (0.0..=LARGEST_MAX_AGE_HOURS).contains(&hours) {
        return Ok(());
    }
    Err(invalid(
        "max_age_hours",
        format!("is {hours}; give hours from 0 to {LARGEST_MAX_AGE_HOURS}"),
    ))
}

fn check_names(key: &str, names: Option<&[String]>) -> Result<(), InvalidParameter> {
    let Some(names) = names else { return Ok(()) };
    for (index, name) in names.iter().enumerate() {
        if name.is_empty() {
            return Err(invalid(
                key,
                "has an empty name; name what the configuration names",
            ));
        }
        if names[..index].contains(name) {
            return Err(invalid(key, format!("names `{name}` twice; name it once")));
        }
    }
    Ok(())
}

fn check_plan(dry_run: bool, plan: Option<&PlanId>) -> Result<(), InvalidParameter> {
    if dry_run && plan.is_some() {
        return Err(invalid(
            "plan",
            "cannot go with `dry_run`; a preview makes its own plan",
        ));
    }
    Ok(())
}

fn check_leave_out(
    plan: Option<&PlanId>,
    entries: Option<&[PlanEntryRef]>,
) -> Result<(), InvalidParameter> {
    let key = "leave_out";
    let Some(entries) = entries else {
        return Ok(());
    };
    if plan.is_none() {
        return Err(invalid(
            key,
            "goes only with `plan`: it names entries of that plan",
        ));
    }
    if entries.len() > LEAVE_OUT_MAX {
        let given = entries.len();
        let problem = format!(
            "names {given} entries; name at most {LEAVE_OUT_MAX}, or preview again with patterns that leave out more"
        );
        return Err(invalid(key, problem));
    }
    let mut seen = HashSet::new();
    for entry in entries {
        if entry.name.is_empty() || entry.name.len() > ENTRY_NAME_MAX {
            let problem = format!(
                "has a name of {} bytes; give 1 to {ENTRY_NAME_MAX}, as the preview's report names it",
                entry.name.len()
            );
            return Err(invalid(key, problem));
        }
        if !seen.insert(entry) {
            let problem = format!("names `{}` twice; name it once", entry.name);
            return Err(invalid(key, problem));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(json: &str, expect: Result<(), &str>) {
        let got = serde_json::from_str::<CleanupTempFilesParams>(json)
            .map_err(|error| error.to_string())
            .and_then(|params| params.validate().map_err(|error| error.to_string()));
        match expect {
            Ok(()) => assert_eq!(got, Ok(()), "{json}"),
            Err(part) => assert!(
                got.clone().is_err_and(|text| text.contains(part)),
                "{json}: {got:?}"
            ),
        }
    }

    #[test]
    fn wrong_parameters_are_named() {
        check("{}", Ok(()));
        check(r#"{"max_age_hours":0}"#, Ok(()));
        check(r#"{"max_age_hours":0.5,"locations":["scratch"]}"#, Ok(()));
        check(r#"{"max_age_hours":-1}"#, Err("`max_age_hours` is -1"));
        check(r#"{"max_age_hours":1e300}"#, Err("`max_age_hours`"));
        check(r#"{"max_age_hours":"1"}"#, Err("invalid type"));
        check(r#"{"max_age_hour":1}"#, Err("unknown field `max_age_hour`"));
        check(
            r#"{"exclude":["*.keep","a/**"],"min_size_bytes":4096}"#,
            Ok(()),
        );
        check(
            r#"{"exclude":["a","/b"]}"#,
            Err("`exclude` has `/b`, which begins with `/`; patterns are relative"),
        );
        check(r#"{"exclude":[""]}"#, Err("`exclude` has an empty entry"));
        check(r#"{"min_size_bytes":-1}"#, Err("invalid value"));
        check(
            r#"{"min_size_bytes":18446744073709551615}"#,
            Err("`min_size_bytes` is 18446744073709551615"),
        );
        // a task can leave out more, never take in more or go below a location's floor
        check(r#"{"include":["*"]}"#, Err("unknown field `include`"));
        check(
            r#"{"min_age_hours":0}"#,
            Err("unknown field `min_age_hours`"),
        );
        check(r#"{"locations":["a","a"]}"#, Err("names `a` twice"));
        check(r#"{"locations":[""]}"#, Err("empty name"));
        check(
            r#"{"dry_run":true,"plan":"x"}"#,
            Err("`plan` cannot go with"),
        );
    }

    #[test]
    fn only_entries_of_a_plan_are_left_out_and_each_once() {
        let entry = |name: &str| json!({"kind": "file", "location": "scratch", "name": name});
        let of = |plan: Option<&str>, entries: Vec<serde_json::Value>| {
            let params = json!({"plan": plan, "leave_out": entries});
            params.to_string()
        };
        check(&of(Some("x"), vec![entry("a"), entry("b/%FF")]), Ok(()));
        check(&of(Some("x"), Vec::new()), Ok(()));
        check(
            &of(None, vec![entry("a")]),
            Err("`leave_out` goes only with `plan`"),
        );
        check(
            &of(Some("x"), vec![entry("a"), entry("a")]),
            Err("names `a` twice"),
        );
        check(&of(Some("x"), vec![entry("")]), Err("a name of 0 bytes"));
        check(
            &of(Some("x"), vec![entry(&"a".repeat(ENTRY_NAME_MAX + 1))]),
            Err("a name of 12289 bytes"),
        );
        let many = |count| (0..count).map(|it: usize| entry(&it.to_string())).collect();
        check(&of(Some("x"), many(LEAVE_OUT_MAX)), Ok(()));
        check(
            &of(Some("x"), many(LEAVE_OUT_MAX + 1)),
            Err("names 1001 entries"),
        );
        check(
            &of(Some("x"), vec![json!({"kind": "file", "name": "a"})]),
            Err("missing field `location`"),
        );
        let runs = |params| serde_json::from_value::<CleanupRunsParams>(params).unwrap();
        let run = json!({"kind": "run", "location": "experiments", "name": "r"});
        let params = runs(json!({"plan": "x", "leave_out": [run]}));
        assert_eq!(params.validate(), Ok(()));
        let params = runs(json!({"leave_out": []}));
        assert!(params.validate().is_err());
    }
}
