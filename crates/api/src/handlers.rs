//! The routes, by subject. A handler parses, calls one use case of console, and hands back what it says.

mod export;
mod fleet;
mod folders;
mod health;
mod levers;
mod maintenance;
mod overview;
mod server;
pub(crate) use server::sign_in;
mod settings;
mod statistics;
mod streams;
mod tasks;

use crate::table::Table;

/// Every route there is.
pub(crate) fn table() -> Table {
    let mut table = Table::new();
    maintenance::routes(&mut table);
    overview::routes(&mut table);
    tasks::routes(&mut table);
    levers::routes(&mut table);
    fleet::routes(&mut table);
    health::routes(&mut table);
    statistics::routes(&mut table);
    export::routes(&mut table);
    settings::routes(&mut table);
    folders::routes(&mut table);
    streams::routes(&mut table);
    server::routes(&mut table);
    table
}
