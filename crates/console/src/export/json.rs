//! JSON: `{"report": {…}, "rows": [{…}, …], "count": n}`, a row on each line. For statistics the whole
//! view stands in `statistics` as well, in its own shape.

use std::io;

use jiff::tz::TimeZone;
use serde_json::{Map, Value};

use super::about::About;
use super::cell::{Cell, Column};
use super::summary::Summary;
use super::{Form, Out};

#[derive(Default)]
pub(super) struct Json {
    zone: Option<TimeZone>,
    columns: &'static [Column],
    rows: u64,
}

impl Form for Json {
    fn begin(
        &mut self,
        out: &mut Out,
        about: &About,
        columns: &'static [Column],
    ) -> io::Result<()> {
        self.zone = Some(about.zone.clone());
        self.columns = columns;
        write!(out, "{{\n\"report\": {},\n\"rows\": [", about.json())
    }

    fn row(&mut self, out: &mut Out, row: &[Cell]) -> io::Result<()> {
        let zone = self.zone.get_or_insert(TimeZone::UTC);
        let object: Map<String, Value> = self
            .columns
            .iter()
            .zip(row)
            .map(|(column, cell)| (column.name.to_owned(), cell.json(zone)))
            .collect();
        out.write_all(if self.rows == 0 { b"\n" } else { b",\n" })?;
        self.rows += 1;
        serde_json::to_writer(&mut *out, &object).map_err(io::Error::from)
    }

    fn end(&mut self, out: &mut Out, _: &About, summary: &Summary) -> io::Result<()> {
        write!(out, "\n],\n\"count\": {}", self.rows)?;
        if let Some((name, value)) = &summary.value {
            write!(out, ",\n\"{name}\": {value}")?;
        }
        writeln!(out, "\n}}")
    }
}
