//! The program's own source text, tests left out.

use std::path::Path;

/// Every source file of the program: its path from the root, and its text up to its first test module.
pub(crate) fn program_sources() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    for folder in ["crates", "src-tauri/src", "ui/src"] {
        collect(root, &root.join(folder), &mut found);
    }
    assert!(found.len() > 60, "the sources were found: {}", found.len());
    found
}

fn collect(root: &Path, folder: &Path, found: &mut Vec<(String, String)>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            if !["tests", "benches", "testkit", "generated", "node_modules"]
                .contains(&name.as_str())
            {
                collect(root, &path, found);
            }
            continue;
        }
        let is_source = path
            .extension()
            .is_some_and(|kind| ["rs", "ts", "svelte"].iter().any(|known| kind == *known));
        if is_source && name != "tests.rs" {
            let text = std::fs::read_to_string(&path).unwrap();
            let program = text
                .split("#[cfg(test)]")
                .next()
                .unwrap_or_default()
                .to_owned();
            found.push((
                path.strip_prefix(root).unwrap().display().to_string(),
                program,
            ));
        }
    }
}

/// The files whose lines, comments left out, contain one of these texts, with how many lines do.
pub(crate) fn files_with(texts: &[&str]) -> Vec<(String, usize)> {
    let mut found = Vec::new();
    for (path, program) in program_sources() {
        let lines = program
            .lines()
            .map(str::trim)
            .filter(|line| !line.starts_with("//"));
        let count = lines
            .filter(|line| texts.iter().any(|text| line.contains(text)))
            .count();
        if count > 0 {
            found.push((path, count));
        }
    }
    found.sort();
    found
}
