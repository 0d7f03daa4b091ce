//! A console over a fresh installation in a folder of its own, and a hand that plays the worker.

use std::path::PathBuf;

use serde_json::Value;
use upkeep_config::Folders;
use upkeep_console::{Console, ConsoleError};
use upkeep_contract::settings::{LocationSettings, SettingsView};
use upkeep_contract::settings_draft::{SaveSettingsOutcome, SettingChange};
use upkeep_contract::task::TriggerOutcome;
use upkeep_contract::worker::ClaimStrategy;
use upkeep_contract::{ErrorCode, ErrorReply, OperationId, TaskId};
use upkeep_queue::{Claim, ClaimFilter, Ending, Finish};
use upkeep_testkit::TestQueue;

pub(crate) struct Installation {
    pub(crate) test: TestQueue,
    pub(crate) console: Console,
    pub(crate) scratch: PathBuf,
}

/// Two locations, one of them turned off, and a run store.
pub(crate) async fn installation() -> Installation {
    let test = TestQueue::sqlite().await;
    let scratch = test.folder().join("outside/scratch");
    std::fs::create_dir_all(&scratch).unwrap();
    // the installation lies beside what may be cleaned, not around it
    let folders = Folders::at(&test.folder().join("home"));
    folders.create().unwrap();
    let config = format!(
        "# kept\n[[locations]]\nname = \"scratch\"\npath = \"{0}\"\n\n\
         [[locations]]\nname = \"off\"\npath = \"{0}\"\nenabled = false\n\n\
         [[run_stores]]\nname = \"runs\"\npath = \"{0}\"\n",
        scratch.display()
    );
    std::fs::write(folders.config_file(), config).unwrap();
    let console = Console::over(folders, &test.url(), test.queue.clone(), "test");
    Installation {
        test,
        console,
        scratch,
    }
}

impl Installation {
    pub(crate) async fn trigger(
        &self,
        operation: &str,
        params: Value,
    ) -> Result<TriggerOutcome, ConsoleError> {
        let operation = OperationId::from(operation);
        self.console.trigger(&operation, params, None).await
    }

    /// Triggers what must be accepted as new.
    pub(crate) async fn queued(&self, operation: &str, params: Value) -> TaskId {
        match self.trigger(operation, params).await.unwrap() {
            TriggerOutcome::Queued { task_id, .. } => task_id,
            TriggerOutcome::AlreadyQueued { task_id } => panic!("{task_id} is there already"),
        }
    }

    /// Claims the next task as a worker on that host.
    pub(crate) async fn claim(&self, host: &str) -> Option<Claim> {
        let filter = ClaimFilter {
            operations: ["cleanup-runs", "cleanup-temp-files", "health-check"]
                .map(OperationId::from)
                .to_vec(),
            host: host.to_owned(),
            strategy: ClaimStrategy::Fifo,
        };
        self.test.claim_with("worker-1", &filter, 1).await.pop()
    }

    /// Triggers an operation and ends its only attempt on that host.
    pub(crate) async fn finished(
        &self,
        operation: &str,
        params: Value,
        host: &str,
        ending: Ending,
    ) -> TaskId {
        let id = self.queued(operation, params).await;
        let claim = self.claim(host).await.unwrap();
        assert_eq!(claim.task.id, id);
        let finish = self.test.queue.finish(&claim.lease, ending).await.unwrap();
        assert!(matches!(finish, Finish::Accepted(_)), "{finish:?}");
        id
    }

    /// Makes one change of the settings onto whatever the file says.
    pub(crate) async fn change(&self, change: SettingChange) -> Result<SettingsView, ConsoleError> {
        changed(&self.console, change).await
    }

    /// Adds a location, or puts it in the place of another.
    pub(crate) async fn save_location(
        &self,
        previous_name: Option<String>,
        location: LocationSettings,
    ) -> Result<SettingsView, ConsoleError> {
        let change = SettingChange::SaveLocation {
            previous_name,
            location,
        };
        self.change(change).await
    }

    pub(crate) fn config_text(&self) -> String {
        std::fs::read_to_string(self.console.folders().config_file()).unwrap()
    }
}

/// Makes one change of the settings onto whatever the file says.
pub(crate) async fn changed(
    console: &Console,
    change: SettingChange,
) -> Result<SettingsView, ConsoleError> {
    match console.save_settings(None, vec![change]).await? {
        SaveSettingsOutcome::Saved { view } => Ok(view),
        other @ SaveSettingsOutcome::ChangedElsewhere { .. } => panic!("{other:?}"),
    }
}

/// A single value as it is typed.
pub(crate) fn value(key: &str, typed: &str) -> SettingChange {
    SettingChange::Value {
        key: key.to_owned(),
        typed: Some(typed.to_owned()),
    }
}

/// What a front door would show of this error.
pub(crate) fn reply<T: std::fmt::Debug>(result: Result<T, ConsoleError>) -> ErrorReply {
    result.unwrap_err().into()
}

pub(crate) fn check_reply(reply: &ErrorReply, code: ErrorCode, in_message: &str, in_hint: &str) {
    assert_eq!(reply.code, code, "{reply:?}");
    assert!(reply.message.contains(in_message), "{reply:?}");
    assert!(reply.hint.contains(in_hint), "{reply:?}");
}
