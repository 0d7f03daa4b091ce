//! `cleanup-runs`: removes old finished tasks from the history and old run directories from run stores.
//!
//! Queued and running tasks, this task itself and the audit trail always stay. Without a
//! history (a direct call) only run stores are cleaned. With the history go the rows of workers that
//! left as long ago, and the room of all these rows goes back to the disk.

mod history;
mod keep_newest;
mod look;
mod remove;
mod room;
mod rows;
mod store;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::runtime::Handle;
use upkeep_contract::cleanup::{CleanupOutcome, CleanupReport};
use upkeep_contract::operation::CLEANUP_RUNS;
use upkeep_contract::params::CleanupRunsParams;
use upkeep_contract::settings::RunStoreSettings;

use self::history::{Artifacts, History};
use self::look::{Look, spared};
use self::remove::Remove;
use self::store::Store;
use crate::deletion::conclude::{conclude, off_the_runtime, own_plan_id, plan_to_execute};
use crate::deletion::left_out::LeftOut;
use crate::deletion::manifest::Manifest;
use crate::deletion::plan::{self, Plan, PlanWriter, PlannedLocation};
use crate::deletion::roots_of_all;
use crate::deletion::tally::{Folders, empty_location, empty_report};
use crate::deletion::work::{Stop, Work};
use crate::history::CleanableHistory;
use crate::settings::{Settings, SettingsSource};
use crate::{Context, Finished, Operation, OperationError};

/// What the history is called where locations are named.
pub(crate) const HISTORY: &str = "history";

/// The operation.
pub struct CleanupRuns {
    settings: Arc<dyn SettingsSource>,
    history: Option<Arc<dyn CleanableHistory>>,
}

impl CleanupRuns {
    /// The operation over these settings, read anew at the start of each task.
    pub fn new(
        settings: Arc<dyn SettingsSource>,
        history: Option<Arc<dyn CleanableHistory>>,
    ) -> Self {
        Self { settings, history }
    }
}

#[async_trait]
impl Operation for CleanupRuns {
    type Params = CleanupRunsParams;
    type Report = CleanupReport;

    fn id(&self) -> &'static str {
        CLEANUP_RUNS
    }

    fn summary(&self) -> &'static str {
        "removes old finished tasks from the history and old run directories from run stores"
    }

    fn deletes(&self) -> bool {
        true
    }

    async fn run(
        &self,
        params: CleanupRunsParams,
        context: &Context,
    ) -> Result<Finished<CleanupReport>, OperationError> {
        let mut settings = self.settings.load()?;
        // a plan or manifest must never be written into the tree it speaks of
        settings.protected.push(context.artifacts.clone());
        let runtime = Handle::current();
        let cleanup = Cleanup {
            settings,
            params,
            history: self
                .history
                .clone()
                .map(|source| History { source, runtime }),
            work: Work::new(context.clone()),
        };
        off_the_runtime(move || cleanup.run()).await
    }
}

struct Cleanup {
    settings: Settings,
    params: CleanupRunsParams,
    history: Option<History>,
    work: Work,
}

impl Cleanup {
    fn run(self) -> Result<Finished<CleanupReport>, OperationError> {
        let context = &self.work.context;
        let named = self.params.plan.as_ref();
        let dry_run = self.params.dry_run;
        let plan = plan_to_execute(context, &self.settings, named, dry_run, CLEANUP_RUNS)?;
        if let Some(plan) = plan {
            return self.execute(&plan);
        }
        let stores = self.select()?;
        let mut report = empty_report(own_plan_id(context), self.params.dry_run);
        let ended = self.look(&stores, &mut report);
        if self.params.dry_run || ended.is_err() {
            return conclude(ended, report, &self.work);
        }
        let plan = Plan::open(&context.artifacts, &own_plan_id(context))?;
        self.remove(&plan, &stores)
    }

    /// The history, when the task asks for it and there is one.
    fn wanted_history(&self) -> Option<&History> {
        self.history.as_ref().filter(|_| self.params.history)
    }

    fn select(&self) -> Result<Vec<Store>, OperationError> {
        let chosen: Vec<&RunStoreSettings> = match &self.params.run_stores {
            Some(names) => names
                .iter()
                .map(|name| self.find(name))
                .collect::<Result<_, _>>()?,
            None => self
                .settings
                .run_stores
                .iter()
                .filter(|store| store.enabled)
                .collect(),
        };
        if chosen.is_empty() && self.wanted_history().is_none() {
            return Err(OperationError::permanent(
                "neither the history nor a run store is to be cleaned, so there is nothing to do",
                "turn a run store on in Settings, or ask for the history where a queue is connected",
            ));
        }
        if self.params.history && self.history.is_none() {
            self.work.context.info(
                "no queue is connected: the history and artifact folders without a task were left out",
            );
        }
        let mut stores: Vec<Store> = Vec::with_capacity(chosen.len());
        for chosen in chosen {
            let store = Store::hold(chosen, &self.settings)?;
            let identity = store.held.root.stat.identity;
            let same = |it: &&Store| it.held.root.stat.identity == identity;
            if let Some(same) = stores.iter().find(same) {
                return Err(OperationError::permanent(
                    format!(
                        "the run stores `{}` and `{}` are the same folder; nothing was removed",
                        same.held.settings.name, chosen.name
                    ),
                    "turn one of them off in Settings",
                ));
            }
            stores.push(store);
        }
        Ok(stores)
    }

    fn find(&self, name: &str) -> Result<&RunStoreSettings, OperationError> {
        let stores = &self.settings.run_stores;
        let Some(found) = stores.iter().find(|store| store.name == name) else {
            let known: Vec<&str> = stores.iter().map(|it| it.name.as_str()).collect();
            return Err(OperationError::unknown_name("run_stores", name, &known));
        };
        if !found.enabled {
            return Err(OperationError::permanent(
                format!("the run store `{name}` is turned off; nothing was removed"),
                "turn it on in Settings, or leave it out",
            ));
        }
        Ok(found)
    }

    /// Writes the plan.
    fn look(&self, stores: &[Store], report: &mut CleanupReport) -> Result<(), Stop> {
        let context = &self.work.context;
        let age = Duration::from_secs_f64(self.params.max_age_hours * 3600.0);
        let age_ns = i64::try_from(age.as_nanos()).unwrap_or(i64::MAX);
        let now = context.clock.now();
        let planned = stores
            .iter()
            .map(|Store { held, .. }| PlannedLocation {
                name: held.settings.name.clone(),
                path: held.settings.path.clone(),
                identity: held.root.stat.identity,
            })
            .collect();
        let id = own_plan_id(context);
        let cutoff = now.minus(age);
        let mut header = plan::header(&id, CLEANUP_RUNS, now, cutoff, planned);
        header.history = self.wanted_history().is_some();
        let mut writer = PlanWriter::create(&context.artifact_folder(), &header)?;
        let mut folders = Folders::default();
        let others = roots_of_all(&self.settings)?;
        let mut look = Look {
            work: &self.work,
            plan: &mut writer,
            report,
            folders: &mut folders,
            cutoff,
            cutoff_ns: self.work.now_ns.saturating_sub(age_ns),
            others: &others,
            spared: spared(&context.task_id, self.params.plan.as_ref()),
        };
        for (at, store) in stores.iter().enumerate() {
            let shown = store.held.path.display().to_string();
            let line = empty_location(&store.held.settings.name, &shown);
            look.report.locations.push(line);
            look.store(at, store)?;
        }
        if let Some(history) = self.wanted_history() {
            look.report.locations.push(empty_location(HISTORY, ""));
            let artifacts = Artifacts::open(&context.artifacts)?;
            look.history(stores.len(), history, artifacts.as_ref())?;
            look.workers(stores.len(), history)?;
            look.report.database = Some(room::before(history)?);
        }
        report.folders = folders.largest();
        report.duration_ms = self.work.elapsed_ms();
        writer.finish(report)?;
        Ok(())
    }

    /// Executes a plan made before: its run stores must still be configured, turned on and the same.
    fn execute(&self, plan: &Plan) -> Result<Finished<CleanupReport>, OperationError> {
        if plan.header.history && self.history.is_none() {
            return Err(plan::refuse(
                &plan.header.id,
                "lists tasks of the history, but no queue is connected",
            ));
        }
        let mut stores: Vec<Store> = Vec::new();
        for planned in &plan.header.locations {
            let now = self.find(&planned.name)?;
            let store = Store::hold(now, &self.settings)?;
            if now.path != planned.path || store.held.root.stat.identity != planned.identity {
                return Err(plan::refuse(
                    &plan.header.id,
                    &format!(
                        "speaks of another folder than the run store `{}` is now",
                        planned.name
                    ),
                ));
            }
            stores.push(store);
        }
        self.remove(plan, &stores)
    }

    fn remove(
        &self,
        plan: &Plan,
        stores: &[Store],
    ) -> Result<Finished<CleanupReport>, OperationError> {
        let context = &self.work.context;
        let left_out = LeftOut::of(plan, self.params.leave_out.as_deref())?;
        let mut report = plan.footer.report.clone();
        report.dry_run = false;
        report.outcome = CleanupOutcome::Succeeded;
        let folder = context.artifact_folder();
        let manifest = Manifest::open(&folder, &context.task_id, &plan.header.id)?;
        let artifacts = Artifacts::open(&context.artifacts)?;
        let history = self.history.as_ref().filter(|_| plan.header.history);
        if let Some(history) = history.filter(|_| context.attempt <= 1) {
            // since the preview it may have grown
            report.database = Some(room::before(history)?);
        }
        let remove = Remove {
            work: &self.work,
            plan,
            manifest: &manifest,
            stores,
            history,
            artifacts: artifacts.as_ref(),
            others: &roots_of_all(&self.settings)?,
            left_out: &left_out,
        };
        let mut ended = remove.run(&mut report);
        if let Some(history) = history.filter(|_| ended.is_ok()) {
            let rewrite = self.params.rewrite_database;
            ended = room::give_back(&self.work, history, rewrite, &mut report);
        }
        conclude(ended, report, &self.work)
    }
}
