//! The folders of the server's machine, for choosing one in a browser as a dialog of the desktop does.

use std::path::{Path, PathBuf};

use axum::http::Method;
use schemars::JsonSchema;
use serde::Serialize;

use crate::answer::Data;
use crate::call::Call;
use crate::problem::{Problem, Reply};
use crate::query::FolderQuery;
use crate::table::{Access, Table};

/// Of a folder with more, the first are shown.
const FOLDERS_MAX: usize = 5000;

pub(super) fn routes(table: &mut Table) {
    table.add(
        &Method::GET,
        // names of folders tell much of a machine
        Access::Change,
        "/api/folders",
        "The folders in a folder of the server's machine; no files",
        list,
    );
}

/// A folder with those in it.
#[derive(Debug, Serialize, JsonSchema)]
struct FolderList {
    /// Its whole path.
    path: String,
    /// The one above; none at the top.
    parent: Option<String>,
    /// Those in it, by name. Links are left out: none of them may be cleaned.
    folders: Vec<FolderEntry>,
}

/// One of them.
#[derive(Debug, Serialize, JsonSchema)]
struct FolderEntry {
    /// Its name.
    name: String,
    /// Its whole path.
    path: String,
}

async fn list(call: Call<FolderQuery>) -> Reply<Data<FolderList>> {
    let path = match call.query.path.filter(|path| !path.is_empty()) {
        Some(path) => PathBuf::from(path),
        None => std::env::home_dir().unwrap_or_else(|| PathBuf::from("/")),
    };
    if !path.is_absolute() {
        return Err(Problem::invalid("path must be a whole path"));
    }
    let read = tokio::task::spawn_blocking(move || read(&path)).await;
    let list = read.map_err(|error| Problem::defect(format!("looking broke down: {error}")))?;
    // whatever the reason, there is nothing to choose there
    list.map(Data)
        .map_err(|error| Problem::not_found(format!("the folder cannot be looked into: {error}")))
}

fn read(path: &Path) -> std::io::Result<FolderList> {
    let path = path.canonicalize()?;
    let mut folders = Vec::new();
    for entry in std::fs::read_dir(&path)? {
        let entry = entry?;
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        // a configuration can name only what is text
        if let (true, Some(name), Some(path)) =
            (is_folder, entry.file_name().to_str(), entry.path().to_str())
        {
            folders.push(FolderEntry {
                name: name.to_owned(),
                path: path.to_owned(),
            });
            if folders.len() >= FOLDERS_MAX {
                break;
            }
        }
    }
    folders.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(FolderList {
        parent: path.parent().map(|parent| parent.display().to_string()),
        path: path.display().to_string(),
        folders,
    })
}
