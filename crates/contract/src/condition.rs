//! What concerns every page: whether the database, the configuration, the disk and the workers are there.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::ErrorReply;

/// How the installation is, told even while its database cannot be opened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct Condition {
    /// The configuration file.
    pub config_file: String,
    /// The data folder.
    pub data_folder: String,
    /// The database, without its password.
    pub database: String,
    /// The database file, when it is one.
    pub database_file: Option<String>,
    /// Why the database cannot be used; none when it can.
    pub database_error: Option<ErrorReply>,
    /// Why the configuration cannot be used; none when it can.
    pub configuration_error: Option<ErrorReply>,
    /// Workers that are alive; none while the database cannot be asked.
    pub workers_alive: Option<u32>,
    /// What starts a worker for this installation.
    pub worker_command: String,
    /// True when the database's URL has a password, which the command leaves out.
    pub worker_command_lacks_password: bool,
    /// Bytes free where the data folder lies; none when that cannot be told.
    #[ts(type = "number | null")]
    pub free_bytes: Option<u64>,
    /// True when so little is free there that nothing may be accepted any more.
    pub disk_full: bool,
}
