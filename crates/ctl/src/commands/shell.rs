//! What a shell and `man` are told of this program.

use std::path::PathBuf;

use clap::CommandFactory;
use clap_complete::Shell;

use crate::cli::Cli;
use crate::failure::{FAILED, Failure};
use crate::output::Output;

/// `upkeepctl completions`.
pub(super) fn completions(shell: Shell, output: &mut Output) -> u8 {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "upkeepctl", &mut script);
    output.bytes(&script);
    0
}

/// `upkeepctl man`.
pub(super) async fn manual(dir: Option<PathBuf>, output: &mut Output) -> Result<u8, Failure> {
    let failed = |error: std::io::Error| {
        Failure::new(
            FAILED,
            "io",
            format!("cannot write the manual: {error}"),
            "give a folder that is there and that you may write to",
        )
    };
    let Some(folder) = dir else {
        let mut page = Vec::new();
        clap_mangen::Man::new(Cli::command())
            .render(&mut page)
            .map_err(failed)?;
        output.bytes(&page);
        return Ok(0);
    };
    let written = tokio::task::spawn_blocking(move || {
        clap_mangen::generate_to(Cli::command(), &folder).map(|()| folder)
    });
    let folder = written
        .await
        .map_err(|error| Failure::failed(format!("writing the manual broke down: {error}"), ""))?
        .map_err(failed)?;
    output.line(folder.display().to_string());
    Ok(0)
}
