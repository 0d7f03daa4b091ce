//! One page of HTML with everything in it: figures, charts, tables; no script, nothing from outside; it
//! prints well. It is XML as well, so that any parser can tell whether it is whole.
//!
//! A page is for eyes and for paper: of a long table it shows the newest rows, and says so.

#![expect(
    clippy::format_push_string,
    reason = "writing into a string gives a result that nobody needs"
)]

use std::io;

use jiff::tz::TimeZone;

use super::about::About;
use super::cell::{Cell, Column};
use super::markup::escaped;
use super::summary::{Summary, Table};
use super::{Form, Out, chart};

/// Rows on the page; more than this nobody reads, and a browser shows them slowly.
const ROWS_MAX: usize = 10_000;

/// Letters of a word that stays whole however narrow its column is: longer than every state and operation.
const WORD_MAX: usize = 24;

#[derive(Default)]
pub(super) struct Html {
    zone: Option<TimeZone>,
    columns: &'static [Column],
    /// The rows as markup: they come after the charts, which are known once all were seen.
    rows: String,
    shown: usize,
    /// Which columns hold numbers.
    numbers: Vec<bool>,
    seen: u64,
}

impl Form for Html {
    fn begin(&mut self, _: &mut Out, about: &About, columns: &'static [Column]) -> io::Result<()> {
        self.zone = Some(about.zone.clone());
        self.columns = columns;
        Ok(())
    }

    fn row(&mut self, _: &mut Out, row: &[Cell]) -> io::Result<()> {
        self.seen += 1;
        if self.shown < ROWS_MAX {
            self.shown += 1;
            let zone = self.zone.get_or_insert(TimeZone::UTC);
            if self.shown == 1 {
                self.numbers = numbers(row);
            }
            push_row(&mut self.rows, self.columns, row, zone);
        }
        Ok(())
    }

    fn end(&mut self, out: &mut Out, about: &About, summary: &Summary) -> io::Result<()> {
        let title = format!("Upkeep: {}", about.title);
        let mut page = format!(
            "<!DOCTYPE html>\n<html xmlns=\"http://www.w3.org/1999/xhtml\" lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\"/>\n\
             <meta name=\"viewport\" content=\"width=device-width\"/>\n<title>{} {}</title>\n<style>{STYLE}{}</style>\n</head>\n<body>\n",
            escaped(&title),
            escaped(&about.time(about.made_at)),
            chart::STYLE,
        );
        page.push_str(&format!(
            "<h1>{}</h1>\n<dl class=\"about\">\n",
            escaped(&title)
        ));
        for (name, value) in about.facts() {
            page.push_str(&fact(name, &value));
        }
        page.push_str("</dl>\n");
        if !summary.figures.is_empty() {
            page.push_str("<h2>Figures</h2>\n<dl class=\"figures\">\n");
            for (name, value) in &summary.figures {
                page.push_str(&fact(name, value));
            }
            page.push_str("</dl>\n");
        }
        for (number, chart) in summary.charts.iter().enumerate() {
            page.push_str(&chart::draw(chart, number));
        }
        out.write_all(page.as_bytes())?;
        for table in &summary.tables {
            out.write_all(small_table(table, &about.zone).as_bytes())?;
        }
        if let Some(rows_title) = summary.rows_title {
            self.write_rows(out, rows_title)?;
        }
        out.write_all(b"</body>\n</html>\n")
    }
}

impl Html {
    fn write_rows(&self, out: &mut Out, title: &str) -> io::Result<()> {
        writeln!(out, "<h2>{}</h2>", escaped(title))?;
        if self.seen == 0 {
            return out.write_all(b"<p>None.</p>\n");
        }
        if self.seen > self.shown as u64 {
            writeln!(
                out,
                "<p>The newest {} of {}: the figures above are of all of them, and CSV and JSON hold all.</p>",
                self.shown, self.seen
            )?;
        }
        out.write_all(head(self.columns, &self.numbers).as_bytes())?;
        out.write_all(self.rows.as_bytes())?;
        out.write_all(b"</tbody></table>\n")
    }
}

fn fact(name: &str, value: &str) -> String {
    format!(
        "<div><dt>{}</dt><dd>{}</dd></div>\n",
        escaped(name),
        escaped(value)
    )
}

fn numbers(row: &[Cell]) -> Vec<bool> {
    row.iter().map(Cell::is_number).collect()
}

fn head(columns: &[Column], numbers: &[bool]) -> String {
    let cells = columns
        .iter()
        .enumerate()
        .filter(|(_, column)| column.on_page);
    let cells = cells.map(|(place, column)| {
        let number = numbers.get(place).copied().unwrap_or(false);
        let class = if number { " class=\"n\"" } else { "" };
        format!("<th scope=\"col\"{class}>{}</th>", escaped(column.heading))
    });
    format!(
        "<table><thead><tr>{}</tr></thead><tbody>\n",
        cells.collect::<String>()
    )
}

fn push_row(markup: &mut String, columns: &[Column], row: &[Cell], zone: &TimeZone) {
    markup.push_str("<tr>");
    let shown = row.iter().zip(columns).filter(|(_, column)| column.on_page);
    for (cell, _) in shown {
        let shown = cell.shown(zone);
        markup.push_str(match cell {
            Cell::Integer(_) | Cell::Real(_) => "<td class=\"n\">",
            Cell::Time(_) => "<td class=\"t\">",
            _ if shown.split_whitespace().any(is_long) => "<td class=\"b\">",
            _ => "<td>",
        });
        markup.push_str(&escaped(&shown));
        markup.push_str("</td>");
    }
    markup.push_str("</tr>\n");
}

/// A path or an id may be broken anywhere where the page is narrow; a word such as `running` may not.
fn is_long(word: &str) -> bool {
    word.chars().count() > WORD_MAX
}

fn small_table(table: &Table, zone: &TimeZone) -> String {
    let mut markup = format!("<section>\n<h2>{}</h2>\n", escaped(table.title));
    if table.rows.is_empty() {
        markup.push_str(&format!("<p>{}</p>\n", escaped(table.empty)));
    } else {
        let numbers = table
            .rows
            .first()
            .map(|row| numbers(row))
            .unwrap_or_default();
        markup.push_str(&head(&table.columns, &numbers));
        for row in &table.rows {
            push_row(&mut markup, &table.columns, row, zone);
        }
        markup.push_str("</tbody></table>\n");
    }
    markup.push_str("</section>\n");
    markup
}

const STYLE: &str = "
:root{color-scheme:light dark;--text:#16201f;--soft:#4d5a59;--line:#c6cfce;--page:#fff;--good:#2a8a4a;--warn:#c98a1b;--bad:#b02020;--quiet:#8a9695;--info:#1f5a92}
@media (prefers-color-scheme:dark){@media screen{:root{--text:#e8eeed;--soft:#a9b5b3;--line:#3d4546;--page:#16191a;--good:#74cf8d;--warn:#e9b355;--bad:#ff9a92;--quiet:#77827f;--info:#8dc1f2}}}
*{box-sizing:border-box}
body{margin:2rem auto;padding:0 1.5rem;max-width:80rem;background:var(--page);color:var(--text);font:14px/1.45 system-ui,sans-serif;font-variant-numeric:tabular-nums}
h1{font-size:1.5rem;margin:0 0 .75rem} h2{font-size:1.1rem;margin:1.5rem 0 .5rem} h3{font-size:1rem;margin:0}
dl{margin:0} .about div{display:grid;grid-template-columns:7rem 1fr;gap:.5rem} dt{color:var(--soft)} dd{margin:0;overflow-wrap:anywhere}
.figures{display:flex;flex-wrap:wrap;gap:.75rem 2rem} .figures dd{font-size:1.15rem;font-weight:600}
figure{margin:1.5rem 0} figcaption p{margin:.1rem 0 .4rem;color:var(--soft)}
table{border-collapse:collapse;width:100%;font-size:.85em} th,td{padding:.25rem .5rem;text-align:left;vertical-align:top;border-bottom:1px solid var(--line)} .b{overflow-wrap:anywhere}
th{color:var(--soft)} td.n,th.n{text-align:right;white-space:nowrap} .t{white-space:nowrap}
@media print{@page{size:A4 landscape;margin:12mm} body{margin:0;padding:0;max-width:none;font-size:10px} thead{display:table-header-group} tr,figure,.figures div{break-inside:avoid} h2,h3{break-after:avoid} *{-webkit-print-color-adjust:exact;print-color-adjust:exact}}
";
