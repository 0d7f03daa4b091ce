//! Lists of patterns: the entries that stay keep their place, and no comment is lost.

use toml_edit::{Array, RawString, Value};

/// A value as it would be written without any freedom.
pub(super) fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => Value::from(text.value().as_str()).to_string(),
        Value::Integer(number) => number.value().to_string(),
        Value::Array(entries) => entries.iter().map(plain).collect::<Vec<_>>().join(","),
        other => {
            let mut value = other.clone();
            value.decor_mut().clear();
            value.to_string()
        }
    }
}

/// Brings a list to the wanted entries; those that stay keep their place and the comments around them.
pub(super) fn merge_list(present: &mut Array, wanted: &Array) {
    let is_wanted = |entry: &Value| wanted.iter().any(|other| plain(other) == plain(entry));
    let mut index = 0;
    while let Some(entry) = present.get(index) {
        if is_wanted(entry) {
            index += 1;
            continue;
        }
        let removed = present.remove(index);
        let decor = removed.decor();
        let above = text_of(decor.prefix()) + &text_of(decor.suffix());
        if !above.contains('#') {
            // no space is left where the first one stood
            if let Some(next) = present.get_mut(0).filter(|_| index == 0) {
                let own = text_of(next.decor().prefix());
                if own.trim().is_empty() {
                    next.decor_mut().set_prefix(text_of(decor.prefix()));
                }
            }
            continue;
        }
        // a comment above what goes, or behind what stands before it, is the operator's
        if let Some(next) = present.get_mut(index) {
            let own = text_of(next.decor().prefix());
            let joined = join(&above, &own);
            next.decor_mut().set_prefix(joined);
        } else {
            let own = text_of(Some(present.trailing()));
            present.set_trailing(join(&above, &own));
        }
    }
    for entry in wanted {
        if present.iter().any(|other| plain(other) == plain(entry)) {
            continue;
        }
        let mut entry = entry.clone();
        let last = present
            .iter()
            .last()
            .map(|last| text_of(last.decor().prefix()));
        let line = last
            .as_deref()
            .and_then(|prefix| prefix.rfind('\n').map(|at| &prefix[at..]));
        match (line, present.is_empty()) {
            // one entry a line, as the operator has it
            (Some(line), _) => {
                // what stands behind the last entry belongs to it, and comes before the comma's line
                entry.decor_mut().set_prefix(line);
                let behind = text_of(Some(present.trailing()));
                if let Some(end) = behind.find('\n').filter(|_| behind.contains('#')) {
                    entry
                        .decor_mut()
                        .set_prefix(format!("{}{line}", &behind[..end]));
                    present.set_trailing(behind[end..].to_owned());
                }
            }
            (None, true) => entry.decor_mut().clear(),
            (None, false) => {
                entry.decor_mut().clear();
                entry.decor_mut().set_prefix(" ");
            }
        }
        present.push_formatted(entry);
    }
}

/// What stood around a removed entry and what comes behind it; a comment keeps its line to itself.
fn join(around: &str, behind: &str) -> String {
    let start = around.trim_end();
    let line = around.rfind('\n').map_or("\n", |at| &around[at..]);
    let rest = behind.trim_start_matches([' ', '\t']);
    if rest.starts_with(['\n', '\r']) {
        format!("{start}{behind}")
    } else {
        format!("{start}{line}{rest}")
    }
}

fn text_of(raw: Option<&RawString>) -> String {
    raw.and_then(RawString::as_str)
        .unwrap_or_default()
        .to_owned()
}
