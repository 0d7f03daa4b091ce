//! The audit trail.

use upkeep_contract::audit::AuditEntry;

use crate::cli::AuditArguments;
use crate::connection::Connection;
use crate::failure::Failure;
use crate::output::Output;
use crate::table::{Cell, Table};
use crate::words::local;

/// Lines asked for at once.
const PAGE: u32 = 500;

/// `upkeepctl audit list`.
pub(super) async fn list(
    connection: &dyn Connection,
    arguments: &AuditArguments,
    output: &mut Output,
) -> Result<u8, Failure> {
    let filter = arguments.filter();
    let mut left = if arguments.all {
        u32::MAX
    } else {
        arguments.limit
    };
    let mut after = arguments.after.clone();
    let mut table = Table::new(&["WHEN", "WHO", "WHAT", "SUBJECT", "PARAMETERS"]);
    let mut found = false;
    loop {
        let page = connection
            .audit(&filter, after.as_deref(), left.min(PAGE))
            .await?;
        found |= !page.entries.is_empty();
        left = left.saturating_sub(u32::try_from(page.entries.len()).unwrap_or(u32::MAX));
        if output.json() {
            output.values(&page.entries);
        } else {
            let rows: Vec<Vec<Cell>> = page.entries.iter().map(row).collect();
            table.rows(&rows, output);
        }
        after = page.next;
        if after.is_none() || left == 0 || output.is_closed() {
            break;
        }
    }
    if output.is_closed() {
        return Ok(0);
    }
    if let Some(id) = after {
        output.remark(format!("there are more: --after {id}"));
    } else if !found {
        output.remark("no line matches");
    }
    Ok(0)
}

fn row(entry: &AuditEntry) -> Vec<Cell> {
    vec![
        Cell::new(local(entry.at)),
        Cell::new(&entry.who),
        Cell::new(&entry.what),
        Cell::new(&entry.subject),
        Cell::new(entry.parameters.to_string()),
    ]
}
