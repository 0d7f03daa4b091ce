//! Makes the list of the built UI's files, which the library holds in itself.
//!
//! A file that is not in this list cannot be asked for: there are no paths to play tricks with.

use std::path::{Path, PathBuf};

fn main() {
    let root = PathBuf::from(env("CARGO_MANIFEST_DIR")).join("../../ui/dist");
    println!("cargo::rerun-if-changed={}", root.display());
    if !root.join("index.html").is_file() {
        println!("cargo::error=ui/dist is missing: build the UI first with `make ui`");
        return;
    }
    let mut files = Vec::new();
    collect(&root, &mut files);
    files.sort();
    let mut list = String::from("&[\n");
    for file in files {
        let name = file.strip_prefix(&root).unwrap_or(&file);
        let name = name.to_string_lossy().replace('\\', "/");
        let line = format!(
            "    ({:?}, include_bytes!({:?})),\n",
            format!("/{name}"),
            file.display().to_string()
        );
        list.push_str(&line);
    }
    list.push_str("]\n");
    let out = PathBuf::from(env("OUT_DIR")).join("assets.rs");
    if let Err(error) = std::fs::write(&out, list) {
        println!("cargo::error=cannot write {}: {error}", out.display());
    }
}

fn env(name: &str) -> String {
    std::env::var(name).unwrap_or_default()
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else {
        println!("cargo::error=cannot read {}", folder.display());
        return;
    };
    for entry in entries.flatten() {
        let path = entry.path();
        if path.is_dir() {
            println!("cargo::rerun-if-changed={}", path.display());
            collect(&path, files);
        } else {
            files.push(path);
        }
    }
}
