//! `cleanup-temp-files`: removes old files from configured locations.
//!
//! A preview writes a plan and changes nothing else. Everything else executes a plan: that of
//! a preview, or one made at the beginning of the same task.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use upkeep_contract::cleanup::CleanupReport;
use upkeep_contract::operation::CLEANUP_TEMP_FILES;
use upkeep_contract::params::CleanupTempFilesParams;
use upkeep_contract::settings::LocationSettings;

use crate::deletion::choose::Newest;
use crate::deletion::conclude::{conclude, hold, off_the_runtime, own_plan_id, plan_to_execute};
use crate::deletion::execute::{Execute, Held};
use crate::deletion::left_out::LeftOut;
use crate::deletion::manifest::Manifest;
use crate::deletion::plan::{self, Plan, PlanWriter, PlannedLocation};
use crate::deletion::roots_of_all;
use crate::deletion::scan::Scan;
use crate::deletion::tally::{Folders, Links, empty_location, empty_report};
use crate::deletion::work::{Stop, Work};
use crate::settings::{Settings, SettingsSource};
use crate::{Context, Finished, Operation, OperationError};

/// The operation.
pub struct CleanupTempFiles {
    settings: Arc<dyn SettingsSource>,
}

impl CleanupTempFiles {
    /// The operation over these settings, read anew at the start of each task.
    pub fn new(settings: Arc<dyn SettingsSource>) -> Self {
        Self { settings }
    }
}

#[async_trait]
impl Operation for CleanupTempFiles {
    type Params = CleanupTempFilesParams;
    type Report = CleanupReport;

    fn id(&self) -> &'static str {
        CLEANUP_TEMP_FILES
    }

    fn summary(&self) -> &'static str {
        "removes old files from configured locations"
    }

    fn deletes(&self) -> bool {
        true
    }

    async fn run(
        &self,
        params: CleanupTempFilesParams,
        context: &Context,
    ) -> Result<Finished<CleanupReport>, OperationError> {
        let mut settings = self.settings.load()?;
        // a plan or manifest must never be written into the tree it speaks of
        settings.protected.push(context.artifacts.clone());
        let cleanup = Cleanup {
            settings,
            params,
            work: Work::new(context.clone()),
        };
        off_the_runtime(move || cleanup.run()).await
    }
}

struct Cleanup {
    settings: Settings,
    params: CleanupTempFilesParams,
    work: Work,
}

impl Cleanup {
    fn run(self) -> Result<Finished<CleanupReport>, OperationError> {
        let context = &self.work.context;
        let named = self.params.plan.as_ref();
        let dry_run = self.params.dry_run;
        let plan = plan_to_execute(context, &self.settings, named, dry_run, CLEANUP_TEMP_FILES)?;
        if let Some(plan) = plan {
            return self.execute(&plan);
        }
        let locations = self.select()?;
        let mut report = empty_report(own_plan_id(context), self.params.dry_run);
        let ended = self.look(&locations, &mut report);
        if self.params.dry_run || ended.is_err() {
            return conclude(ended, report, &self.work);
        }
        let plan = Plan::open(&context.artifacts, &own_plan_id(context))?;
        self.remove(&plan, &locations)
    }

    /// The locations the parameters name, or all that are turned on; each is held open.
    fn select(&self) -> Result<Vec<Held>, OperationError> {
        let chosen: Vec<&LocationSettings> = match &self.params.locations {
            Some(names) => names
                .iter()
                .map(|name| self.find(name))
                .collect::<Result<_, _>>()?,
            None => self
                .settings
                .locations
                .iter()
                .filter(|location| location.enabled)
                .collect(),
        };
        if chosen.is_empty() {
            return Err(OperationError::permanent(
                "no location is turned on, so there is nothing to clean",
                "add a location in Settings, or turn one on, and run again",
            ));
        }
        let mut held: Vec<Held> = Vec::with_capacity(chosen.len());
        for location in chosen {
            let next = self.hold(location)?;
            let identity = next.root.stat.identity;
            if let Some(same) = held.iter().find(|it| it.root.stat.identity == identity) {
                return Err(OperationError::permanent(
                    format!(
                        "the locations `{}` and `{}` are the same folder; nothing was removed",
                        same.settings.name, next.settings.name
                    ),
                    "turn one of them off in Settings",
                ));
            }
            held.push(next);
        }
        Ok(held)
    }

    /// Holds a location with its rules, narrowed by what the task asks for: never widened.
    fn hold(&self, location: &LocationSettings) -> Result<Held, OperationError> {
        let mut narrowed = location.clone();
        let more = self.params.exclude.iter().flatten();
        narrowed.exclude.extend(more.cloned());
        let least = self.params.min_size_bytes.unwrap_or(0);
        narrowed.min_size_bytes = narrowed.min_size_bytes.max(least);
        hold("location", narrowed, &self.settings)
    }

    /// Says which locations keep what the task would take by its age.
    fn say_floors(&self, locations: &[Held]) {
        for held in locations {
            let least = held.settings.min_age_hours;
            if self.params.max_age_hours < f64::from(least) {
                self.work.context.info(format!(
                    "the location `{}` keeps everything younger than {least} hours; the {} hours asked for were raised to that there",
                    held.settings.name, self.params.max_age_hours
                ));
            }
        }
    }

    fn find(&self, name: &str) -> Result<&LocationSettings, OperationError> {
        let locations = &self.settings.locations;
        let Some(found) = locations.iter().find(|location| location.name == name) else {
            let known: Vec<&str> = locations.iter().map(|it| it.name.as_str()).collect();
            return Err(OperationError::unknown_name("locations", name, &known));
        };
        if !found.enabled {
            return Err(OperationError::permanent(
                format!("the location `{name}` is turned off; nothing was removed"),
                "turn it on in Settings, or leave it out",
            ));
        }
        Ok(found)
    }

    /// Writes the plan of these locations.
    fn look(&self, locations: &[Held], report: &mut CleanupReport) -> Result<(), Stop> {
        let context = &self.work.context;
        let age = Duration::from_secs_f64(self.params.max_age_hours * 3600.0);
        let now = context.clock.now();
        let age_ns = i64::try_from(age.as_nanos()).unwrap_or(i64::MAX);
        let cutoff_ns = self.work.now_ns.saturating_sub(age_ns);
        let planned = locations
            .iter()
            .map(|held| PlannedLocation {
                name: held.settings.name.clone(),
                path: held.settings.path.clone(),
                identity: held.root.stat.identity,
            })
            .collect();
        let header = plan::header(
            &own_plan_id(context),
            CLEANUP_TEMP_FILES,
            now,
            now.minus(age),
            planned,
        );
        let others = roots_of_all(&self.settings)?;
        self.say_floors(locations);
        let mut writer = PlanWriter::create(&context.artifact_folder(), &header)?;
        let mut folders = Folders::default();
        let mut links = Links::default();
        for (index, held) in locations.iter().enumerate() {
            let shown = held.path.display().to_string();
            report
                .locations
                .push(empty_location(&held.settings.name, &shown));
            let mut others = others.clone();
            others.remove(&held.root.stat.identity);
            let newest = Newest {
                work: &self.work,
                chooser: &held.chooser,
                only_own_files: held.settings.only_own_files,
                others: &others,
            };
            let newest_ns = newest.last_kept_ns(&mut held.cursor())?;
            let scan = Scan {
                work: &self.work,
                plan: &mut writer,
                report,
                folders: &mut folders,
                links: &mut links,
                index,
                location: &held.settings,
                chooser: &held.chooser,
                cutoff_ns,
                floor_ns: held.floor_ns(&self.work),
                newest_ns,
                others: &others,
            };
            scan.run(&mut held.cursor())?;
        }
        report.folders = folders.largest();
        report.duration_ms = self.work.elapsed_ms();
        writer.finish(report)?;
        Ok(())
    }

    /// Executes a plan made before: its locations must still be configured, turned on and the same.
    fn execute(&self, plan: &Plan) -> Result<Finished<CleanupReport>, OperationError> {
        let mut held = Vec::new();
        for planned in &plan.header.locations {
            let now = self.find(&planned.name)?;
            let next = self.hold(now)?;
            if now.path != planned.path || next.root.stat.identity != planned.identity {
                return Err(plan::refuse(
                    &plan.header.id,
                    &format!(
                        "speaks of another folder than the location `{}` is now",
                        planned.name
                    ),
                ));
            }
            held.push(next);
        }
        self.remove(plan, &held)
    }

    fn remove(
        &self,
        plan: &Plan,
        locations: &[Held],
    ) -> Result<Finished<CleanupReport>, OperationError> {
        let context = &self.work.context;
        let left_out = LeftOut::of(plan, self.params.leave_out.as_deref())?;
        let mut report = plan.footer.report.clone();
        report.dry_run = false;
        report.outcome = upkeep_contract::cleanup::CleanupOutcome::Succeeded;
        let folder = context.artifact_folder();
        let manifest = Manifest::open(&folder, &context.task_id, &plan.header.id)?;
        let execute = Execute {
            work: &self.work,
            plan,
            manifest: &manifest,
            locations,
            left_out: &left_out,
        };
        let before = report.files_matched;
        let others = if locations.iter().any(|held| held.chooser.keep_newest > 0) {
            roots_of_all(&self.settings)?
        } else {
            HashSet::new()
        };
        let ended = execute.run(&others, &mut report);
        let gone = before.saturating_sub(report.files_matched);
        if gone > 0 {
            context.info(format!("{gone} files were gone before their turn came"));
        }
        conclude(ended, report, &self.work)
    }
}
