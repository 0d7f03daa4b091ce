//! The program `upkeep`: the desktop console.
#![cfg_attr(not(debug_assertions), windows_subsystem = "windows")]

use std::process::ExitCode;

fn main() -> ExitCode {
    match upkeep::run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("upkeep: the window cannot be opened: {error}");
            eprintln!("upkeep: check that a display is there and that WebKitGTK 4.1 is installed");
            ExitCode::FAILURE
        }
    }
}
