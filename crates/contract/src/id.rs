//! Identifiers. Each is its own type, so that a worker's id is never taken for a task's.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// One execution of a task, counted from 1.
pub type AttemptNumber = u32;

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, TS, JsonSchema)]
        #[serde(transparent)]
        #[ts(type = "string")]
        pub struct $name(pub String);

        impl $name {
            /// The identifier as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(&self.0)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.to_owned())
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(text)
            }
        }
    };
}

macro_rules! generated_id {
    ($name:ident) => {
        impl $name {
            /// A fresh UUIDv7: its text sorts by the time it was made (RFC 9562, section 5.7).
            pub fn generate() -> Self {
                Self(uuid::Uuid::now_v7().to_string())
            }
        }
    };
}

text_id!(
    /// A task: a UUIDv7 as text, so that ids sort by the time they were enqueued.
    TaskId
);
text_id!(
    /// A worker process: a UUIDv7 as text, new at every start, so that a reused name is never mistaken for the old process.
    WorkerId
);
text_id!(
    /// The right to one attempt. Every write of a worker names it; a token that is no longer the task's changes nothing.
    LeaseToken
);
text_id!(
    /// A plan: the id of the task whose dry run wrote it.
    PlanId
);
text_id!(
    /// A fan-out: the tasks that one request made, one for each host.
    GroupId
);
text_id!(
    /// A kind of maintenance work, such as `cleanup-runs`. The registry decides which exist.
    OperationId
);

generated_id!(TaskId);
generated_id!(WorkerId);
generated_id!(LeaseToken);
generated_id!(GroupId);
