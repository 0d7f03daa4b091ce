//! The lines of the file that a draft would change, comments and all.

use similar::{ChangeTag, TextDiff};
use upkeep_contract::settings_draft::{FileLine, LineFate};

/// Lines that stay, shown around those that change.
const AROUND: usize = 2;

/// The lines that differ between two texts, with a few around them; none when they are the same.
pub fn changed_lines(before: &str, after: &str) -> Vec<FileLine> {
    let diff = TextDiff::from_lines(before, after);
    let mut lines = Vec::new();
    for group in diff.grouped_ops(AROUND) {
        let begins = group.first().map_or(0, |first| first.old_range().start);
        if begins > 0 {
            lines.push(FileLine {
                fate: LineFate::LeftOut,
                text: String::new(),
            });
        }
        for change in group.iter().flat_map(|part| diff.iter_changes(part)) {
            let fate = match change.tag() {
                ChangeTag::Equal => LineFate::Kept,
                ChangeTag::Insert => LineFate::Added,
                ChangeTag::Delete => LineFate::Removed,
            };
            let text = change.value().trim_end_matches(['\n', '\r']).to_owned();
            lines.push(FileLine { fate, text });
        }
    }
    lines
}
