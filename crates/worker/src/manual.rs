//! What a shell and `man` are told of this program. They need no installation, and make none.

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use clap::CommandFactory;
use clap_complete::Shell;

use crate::cli::{Cli, Failure};

/// `upkeep-worker completions`.
pub(crate) fn completions(shell: Shell) -> Result<ExitCode, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "upkeep-worker", &mut script);
    print(&script)
}

/// `upkeep-worker man`.
pub(crate) fn manual(dir: Option<&Path>) -> Result<ExitCode, Failure> {
    let failed = |error: std::io::Error| {
        Failure::failed(
            format!("cannot write the manual: {error}"),
            "give a folder that is there and that you may write to",
        )
    };
    if let Some(folder) = dir {
        clap_mangen::generate_to(Cli::command(), folder).map_err(failed)?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut page = Vec::new();
    clap_mangen::Man::new(Cli::command())
        .render(&mut page)
        .map_err(failed)?;
    print(&page)
}

fn print(text: &[u8]) -> Result<ExitCode, Failure> {
    let mut out = std::io::stdout().lock();
    out.write_all(text)
        .and_then(|()| out.flush())
        .map(|()| ExitCode::SUCCESS)
        .map_err(|error| Failure::failed(format!("cannot write to stdout: {error}"), ""))
}
