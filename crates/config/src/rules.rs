//! What a name and a path may look like; the same for the file and for what Settings saves.

use std::path::{Component, Path};

use crate::Fault;

/// What reports call the task history; no run store or location may be mistaken for it.
const RESERVED_NAME: &str = "history";
const NAME_LENGTH_MAX: usize = 64;

pub(crate) fn check_name(name: &str) -> Result<(), Fault> {
    let letters = |character: char| {
        character.is_ascii_lowercase() || character.is_ascii_digit() || "-_".contains(character)
    };
    if name.is_empty() || name.len() > NAME_LENGTH_MAX || !name.chars().all(letters) {
        return Err(Fault::BadName(name.to_owned()));
    }
    if name == RESERVED_NAME {
        return Err(Fault::ReservedName(name.to_owned()));
    }
    Ok(())
}

pub(crate) fn check_path(path: &str) -> Result<(), Fault> {
    if path.is_empty() {
        return Err(Fault::EmptyPath);
    }
    if path.contains('\0') {
        return Err(Fault::ZeroInPath);
    }
    if !Path::new(path).is_absolute() {
        return Err(Fault::RelativePath(path.to_owned()));
    }
    if Path::new(path)
        .components()
        .any(|part| part == Component::ParentDir)
    {
        return Err(Fault::ClimbingPath(path.to_owned()));
    }
    Ok(())
}
