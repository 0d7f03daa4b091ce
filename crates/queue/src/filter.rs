//! Filters of the list of tasks, as conditions and as ways to walk an index in the order of the list.

use upkeep_contract::task::{FailedAs, TaskCursor, TaskFilter, TaskState};
use upkeep_contract::{GroupId, OperationId, TaskId, Timestamp};

use crate::engine::Statement;

/// The order of the list: the newest first.
pub(crate) const ORDER: &str = "enqueued_at DESC, id DESC";

/// From this length on, the beginning of a task's id says when it was made to the millisecond.
const ID_PREFIX_MIN: usize = 13;

/// Walks of one page whose rows are looked at: more of them cost more than one along everything.
const LOOKING_WALKS_MAX: usize = 8;

/// How the error of a task begins whose worker was lost; the field `kind` is always written first.
pub(crate) const LOST: &str = "error LIKE '{\"kind\":\"lease\\_expired\"%' ESCAPE '\\'";

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
    /// True when every row on the way matches, as far as the time allows.
    pub(crate) exact: bool,
}

/// The part of the list a page may come from: whatever the filter, one bound at either end, because
/// an engine that is given two may walk along the wrong one.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Stretch {
    /// It begins after this row, in the order of the list.
    after: Option<TaskCursor>,
    /// It ends with this row.
    end: Option<TaskCursor>,
}

impl Stretch {
    /// Of the times a filter names, after the last row of the page before.
    pub(crate) fn new(filter: &TaskFilter, after: Option<&TaskCursor>) -> Self {
        let until = filter.until.map(first_of);
        let after = match (after.cloned(), until) {
            (Some(after), Some(until)) if comes_before(&until, &after) => Some(until),
            (None, until) => until,
            (after, _) => after,
        };
        Self {
            after,
            end: filter.since.map(first_of),
        }
    }

    /// All that comes after a row.
    pub(crate) fn beyond(after: Option<&TaskCursor>) -> Self {
        Self {
            after: after.cloned(),
            end: None,
        }
    }

    /// The same up to this row, which lies in it.
    pub(crate) fn up_to(self, end: Option<TaskCursor>) -> Self {
        Self {
            end: end.or(self.end),
            ..self
        }
    }

    /// Adds ` AND …` for rows of this part.
    pub(crate) fn push(&self, statement: &mut Statement) {
        for (row, relation) in [(&self.after, "<"), (&self.end, ">=")] {
            let Some(row) = row else { continue };
            statement
                .push(" AND (enqueued_at, id) ")
                .push(relation)
                .push(" (")
                .push_bind(row.enqueued_at)
                .push(", ")
                .push_bind(row.id.as_str())
                .push(")");
        }
    }
}

/// The place before every task of this moment and after every earlier one.
fn first_of(at: Timestamp) -> TaskCursor {
    TaskCursor {
        enqueued_at: at,
        id: TaskId::from(""),
    }
}

fn comes_before(one: &TaskCursor, other: &TaskCursor) -> bool {
    (one.enqueued_at, one.id.as_str()) < (other.enqueued_at, other.id.as_str())
}

/// The best way to a filter's rows.
pub(crate) fn route(filter: &TaskFilter) -> Route {
    let by_kind = !filter.states.is_empty() || !filter.operations.is_empty();
    // what no index knows
    let narrowed = requester(filter).is_some() || tells_failures_apart(filter);
    let text = filter.text.trim();
    let one = |walk: Walk, exact: bool| Route {
        walks: vec![walk],
        exact,
    };
    if let Some(group) = &filter.group {
        return one(Walk::Group(group.clone()), false);
    }
    if is_id_prefix(text) {
        return one(Walk::IdPrefix(text.to_lowercase()), false);
    }
    if let Some(host) = &filter.host {
        let exact = !by_kind && !narrowed && text.is_empty();
        return one(Walk::Host(host.clone()), exact);
    }
    if !text.is_empty() || !by_kind {
        return one(Walk::All, text.is_empty() && !narrowed);
    }
    let states = if filter.states.is_empty() {
        TaskState::ALL.to_vec()
    } else {
        unique(&filter.states)
    };
    let walks: Vec<Walk> = if filter.operations.is_empty() {
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
    if narrowed && walks.len() > LOOKING_WALKS_MAX {
        return one(Walk::All, false);
    }
    Route {
        walks,
        exact: !narrowed,
    }
}

/// The text that the requester's name must contain.
fn requester(filter: &TaskFilter) -> Option<&str> {
    let text = filter.requested_by.as_deref()?.trim();
    (!text.is_empty()).then_some(text)
}

fn tells_failures_apart(filter: &TaskFilter) -> bool {
    filter.failed_as != FailedAs::Any
        && (filter.states.is_empty() || filter.states.contains(&TaskState::Failed))
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

/// Adds ` AND …` for every part of the filter that is set.
pub(crate) fn push_filter(statement: &mut Statement, filter: &TaskFilter) {
    Stretch::new(filter, None).push(statement);
    push_matching(statement, filter);
}

/// Adds ` AND …` for every part of the filter that is set, but the times.
pub(crate) fn push_matching(statement: &mut Statement, filter: &TaskFilter) {
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
    if let Some(requester) = requester(filter) {
        push_text(statement, &["requested_by"], requester);
    }
    if tells_failures_apart(filter) {
        statement.push(match filter.failed_as {
            FailedAs::Lost => " AND (state <> 'failed' OR ",
            _ => " AND (state <> 'failed' OR error IS NULL OR NOT ",
        });
        statement.push(LOST).push(")");
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
        let by_anna = || TaskFilter {
            requested_by: Some(" anna".to_owned()),
            ..filter()
        };
        check(by_anna(), &[Walk::All], false);
        check(
            TaskFilter {
                requested_by: Some(" ".to_owned()),
                ..filter()
            },
            &[Walk::All],
            true,
        );
        check(
            TaskFilter {
                states: vec![TaskState::Partial],
                ..by_anna()
            },
            &[Walk::State(TaskState::Partial)],
            false,
        );
        check(
            TaskFilter {
                operations: vec!["a".into(), "b".into()],
                ..by_anna()
            },
            &[Walk::All],
            false,
        );
        let lost = |state| TaskFilter {
            states: vec![state],
            failed_as: FailedAs::Lost,
            ..filter()
        };
        check(
            lost(TaskState::Failed),
            &[Walk::State(TaskState::Failed)],
            false,
        );
        check(
            lost(TaskState::Queued),
            &[Walk::State(TaskState::Queued)],
            true,
        );
    }

    #[test]
    fn a_page_begins_at_the_later_of_its_bounds_and_never_has_two_at_one_end() {
        let cursor = |at, id: &str| TaskCursor {
            enqueued_at: Timestamp(at),
            id: id.into(),
        };
        let check = |until: Option<i64>, after: Option<TaskCursor>, expect: Option<TaskCursor>| {
            let filter = TaskFilter {
                until: until.map(Timestamp),
                since: Some(Timestamp(1)),
                ..TaskFilter::default()
            };
            let stretch = Stretch::new(&filter, after.as_ref());
            let end = Some(cursor(1, ""));
            assert_eq!(stretch, Stretch { after: expect, end });
        };
        check(None, None, None);
        check(Some(7), None, Some(cursor(7, "")));
        check(Some(7), Some(cursor(9, "b")), Some(cursor(7, "")));
        check(Some(7), Some(cursor(5, "b")), Some(cursor(5, "b")));
        check(None, Some(cursor(5, "b")), Some(cursor(5, "b")));
    }
}
