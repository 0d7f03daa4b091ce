//! Filters of the list of tasks, as conditions and as ways to walk an index in the order of the list.

use upkeep_contract::task::{TaskCursor, TaskFilter, TaskState};
use upkeep_contract::{GroupId, OperationId};

use crate::engine::Statement;

/// The order of the list: the newest first.
pub(crate) const ORDER: &str = "enqueued_at DESC, id DESC";

/// From this length on, the beginning of a task's id says when it was made to the millisecond.
const ID_PREFIX_MIN: usize = 13;

/// One walk along an index. A page is the first rows of all its walks together.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Walk {
    /// All tasks.
    All,
    /// Those of a fan-out.
    Group(GroupId),
    /// Those of a host.
    Host(String),
    /// Those in a state.
    State(TaskState),
    /// Those in a state and of an operation.
    StateAndOperation(TaskState, OperationId),
    /// Those whose id begins with this.
    IdPrefix(String),
}

/// How to find the rows of a filter: along which indexes, and whether rows on the way may not match.
#[derive(Debug, PartialEq)]
pub(crate) struct Route {
    pub(crate) walks: Vec<Walk>,
    /// True when every row on the way matches.
    pub(crate) exact: bool,
}

/// The best way to a filter's rows.
pub(crate) fn route(filter: &TaskFilter) -> Route {
    let by_kind = !filter.states.is_empty() || !filter.operations.is_empty();
    let text = filter.text.trim();
    if let Some(group) = &filter.group {
        return Route {
            walks: vec![Walk::Group(group.clone())],
            exact: false,
        };
    }
    if is_id_prefix(text) {
        return Route {
            walks: vec![Walk::IdPrefix(text.to_lowercase())],
            exact: false,
        };
    }
    if let Some(host) = &filter.host {
        return Route {
            walks: vec![Walk::Host(host.clone())],
            exact: !by_kind && text.is_empty(),
        };
    }
    if !text.is_empty() || !by_kind {
        return Route {
            walks: vec![Walk::All],
            exact: text.is_empty(),
        };
    }
    let states = if filter.states.is_empty() {
        TaskState::ALL.to_vec()
    } else {
        unique(&filter.states)
    };
    let walks = if filter.operations.is_empty() {
        states.into_iter().map(Walk::State).collect()
    } else {
        let operations = unique(&filter.operations);
        states
            .into_iter()
            .flat_map(|state| {
                let operations = operations.iter();
                operations.map(move |operation| Walk::StateAndOperation(state, operation.clone()))
            })
            .collect()
    };
    Route { walks, exact: true }
}

impl Walk {
    /// Adds the walk's condition.
    pub(crate) fn push(&self, statement: &mut Statement) {
        match self {
            Self::All => statement.push("1 = 1"),
            Self::Group(group) => statement.push("group_id = ").push_bind(group.as_str()),
            Self::Host(host) => push_host(statement, host),
            Self::State(state) => statement.push("state = ").push_bind(state.as_str()),
            Self::StateAndOperation(state, operation) => statement
                .push("state = ")
                .push_bind(state.as_str())
                .push(" AND operation = ")
                .push_bind(operation.as_str()),
            // what follows is a digit, a small letter or a dash, and `~` comes after all of them
            Self::IdPrefix(prefix) => statement
                .push("id >= ")
                .push_bind(prefix.as_str())
                .push(" AND id < ")
                .push_bind(format!("{prefix}~")),
        };
    }
}

/// Adds ` AND …` for rows after the cursor in the order of the list.
pub(crate) fn push_after(statement: &mut Statement, after: Option<&TaskCursor>) {
    if let Some(cursor) = after {
        statement
            .push(" AND (enqueued_at, id) < (")
            .push_bind(cursor.enqueued_at)
            .push(", ")
            .push_bind(cursor.id.as_str())
            .push(")");
    }
}

/// Adds ` AND …` for every part of the filter that is set.
pub(crate) fn push_filter(statement: &mut Statement, filter: &TaskFilter) {
    if !filter.states.is_empty() {
        statement
            .push(" AND state IN ")
            .push_list(filter.states.iter().map(|state| state.as_str()));
    }
    if !filter.operations.is_empty() {
        statement
            .push(" AND operation IN ")
            .push_list(filter.operations.iter().map(OperationId::as_str));
    }
    if let Some(host) = &filter.host {
        statement.push(" AND ");
        push_host(statement, host);
    }
    if let Some(group) = &filter.group {
        statement.push(" AND group_id = ").push_bind(group.as_str());
    }
    let text = filter.text.trim();
    if is_id_prefix(text) {
        // as the walk does it, so that a bulk action meets what the list shows
        statement.push(" AND ");
        Walk::IdPrefix(text.to_lowercase()).push(statement);
    } else if !text.is_empty() {
        let columns = [
            "id",
            "operation",
            "requested_by",
            "COALESCE(worker_host, target_host)",
            "params",
            "error",
        ];
        push_text(statement, &columns, text);
    }
}

/// Adds ` AND …` for rows of which one of these columns contains the text.
pub(crate) fn push_text(statement: &mut Statement, columns: &[&str], text: &str) {
    let pattern = format!("%{}%", escape_like(text));
    statement.push(" AND (");
    for (index, column) in columns.iter().enumerate() {
        statement
            .push(if index == 0 { "" } else { " OR " })
            // lowered by the database on both sides: it may know the small letters of ASCII alone
            .push(&format!("LOWER({column}) LIKE LOWER("))
            .push_bind(pattern.as_str())
            .push(") ESCAPE '\\'");
    }
    statement.push(")");
}

/// The expression of an index.
fn push_host<'s>(statement: &'s mut Statement, host: &str) -> &'s mut Statement {
    statement
        .push("COALESCE(worker_host, target_host) = ")
        .push_bind(host)
        .push(" AND (worker_host IS NOT NULL OR target_host IS NOT NULL)")
}

fn is_id_prefix(text: &str) -> bool {
    (ID_PREFIX_MIN..=36).contains(&text.len())
        && text.bytes().enumerate().all(|(index, byte)| match index {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

fn unique<T: Clone + PartialEq>(list: &[T]) -> Vec<T> {
    let mut unique: Vec<T> = Vec::with_capacity(list.len());
    for item in list {
        if !unique.contains(item) {
            unique.push(item.clone());
        }
    }
    unique
}

/// Makes a text stand for itself in a LIKE pattern.
fn escape_like(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('%', "\\%")
        .replace('_', "\\_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_filter_walks_an_index_that_fits() {
        let check = |filter: TaskFilter, walks: &[Walk], exact: bool| {
            let route = route(&filter);
            assert_eq!((route.walks.as_slice(), route.exact), (walks, exact));
        };
        let filter = TaskFilter::default;
        check(filter(), &[Walk::All], true);
        check(
            TaskFilter {
                states: vec![TaskState::Failed, TaskState::Failed],
                ..filter()
            },
            &[Walk::State(TaskState::Failed)],
            true,
        );
        check(
            TaskFilter {
                states: vec![TaskState::Failed],
                operations: vec!["a".into(), "b".into()],
                ..filter()
            },
            &[
                Walk::StateAndOperation(TaskState::Failed, "a".into()),
                Walk::StateAndOperation(TaskState::Failed, "b".into()),
            ],
            true,
        );
        check(
            TaskFilter {
                text: "lease".to_owned(),
                states: vec![TaskState::Failed],
                ..filter()
            },
            &[Walk::All],
            false,
        );
        check(
            TaskFilter {
                text: "01936E2A-7C4B".to_owned(),
                ..filter()
            },
            &[Walk::IdPrefix("01936e2a-7c4b".to_owned())],
            false,
        );
        check(
            TaskFilter {
                host: Some("web-02".to_owned()),
                ..filter()
            },
            &[Walk::Host("web-02".to_owned())],
            true,
        );
    }
}
