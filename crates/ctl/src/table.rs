//! Tables of text: columns as wide as what stands in them, the last one cut at a terminal's edge.

use std::fmt::Write;

use anstyle::Style;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::output::{BOLD, Output, clean};

/// One cell.
#[derive(Clone, Debug)]
pub(crate) struct Cell {
    text: String,
    style: Style,
}

impl Cell {
    /// Text from outside.
    pub(crate) fn new(text: impl AsRef<str>) -> Self {
        Self::styled(text, Style::new())
    }

    pub(crate) fn styled(text: impl AsRef<str>, style: Style) -> Self {
        Self {
            text: clean(text.as_ref()),
            style,
        }
    }
}

/// A table that grows page by page: the columns keep the widths of the first page.
pub(crate) struct Table {
    head: Vec<&'static str>,
    widths: Vec<usize>,
    begun: bool,
}

impl Table {
    pub(crate) fn new(head: &[&'static str]) -> Self {
        Self {
            head: head.to_vec(),
            widths: head.iter().map(|title| title.width()).collect(),
            begun: false,
        }
    }

    /// Prints more rows, with the titles before the first of them.
    pub(crate) fn rows(&mut self, rows: &[Vec<Cell>], output: &mut Output) {
        if rows.is_empty() {
            return;
        }
        let room = Output::width();
        if !self.begun {
            self.begun = true;
            for row in rows {
                for (width, cell) in self.widths.iter_mut().zip(row) {
                    *width = (*width).max(cell.text.width());
                }
            }
            let titles = self.head.iter().map(|title| Cell::styled(title, BOLD));
            output.line(self.drawn(&titles.collect::<Vec<_>>(), room));
        }
        for row in rows {
            if output.is_closed() {
                return;
            }
            output.line(self.drawn(row, room));
        }
    }

    fn drawn(&self, row: &[Cell], room: Option<usize>) -> String {
        let mut line = String::new();
        let mut used = 0;
        for (index, (cell, width)) in row.iter().zip(&self.widths).enumerate() {
            let last = index + 1 == row.len();
            let text = match room {
                Some(room) if last => cut(&cell.text, room.saturating_sub(used).max(8)),
                _ => cell.text.clone(),
            };
            let style = cell.style;
            // writing to a string cannot fail
            write!(line, "{style}{text}{style:#}").ok();
            if !last {
                let gap = width.saturating_sub(text.width()) + 2;
                line.extend(std::iter::repeat_n(' ', gap));
                used += text.width() + gap;
            }
        }
        // a last cell that is empty leaves its gap behind
        line.trim_end_matches(' ').to_owned()
    }
}

/// The text, or as much of it as fits with an ellipsis.
fn cut(text: &str, room: usize) -> String {
    if text.width() <= room {
        return text.to_owned();
    }
    let mut kept = String::new();
    let mut used = 1;
    for each in text.chars() {
        used += each.width().unwrap_or(0);
        if used > room {
            break;
        }
        kept.push(each);
    }
    kept.push('…');
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_where_it_would_leave_the_terminal() {
        let check = |text: &str, room, expect: &str| assert_eq!(cut(text, room), expect);
        check("short", 5, "short");
        check("longer", 5, "long…");
        check("世界世界", 5, "世界…");
        check("", 5, "");
    }

    #[test]
    fn columns_stand_below_each_other() {
        let mut table = Table::new(&["A", "LONG", "C"]);
        table.widths = vec![3, 4, 1];
        let row = |cells: [&str; 3]| cells.map(Cell::new).to_vec();
        assert_eq!(
            table.drawn(&row(["abc", "x", "end"]), None),
            "abc  x     end"
        );
        assert_eq!(table.drawn(&row(["a", "xyz", ""]), None), "a    xyz");
        assert_eq!(
            table.drawn(&row(["a", "b", "an end that is too long"]), Some(20)),
            "a    b     an end t…"
        );
    }
}
