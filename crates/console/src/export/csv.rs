//! CSV by RFC 4180: a header, CRLF, quotes where they are needed; no cell is a formula.
//!
//! There is no place for remarks in CSV: the last column, `about`, says in the first row what the table
//! is. A table without rows has one that is empty but for that.

use std::io;

use csv::{ByteRecord, Terminator, Writer, WriterBuilder};
use jiff::tz::TimeZone;

use super::about::About;
use super::cell::{Cell, Column, defused};
use super::summary::Summary;
use super::{Form, Out};

#[derive(Default)]
pub(super) struct Csv {
    zone: Option<TimeZone>,
    about: Option<String>,
    columns: usize,
    record: ByteRecord,
}

fn writer(out: &mut Out) -> Writer<&mut Out> {
    WriterBuilder::new()
        .terminator(Terminator::CRLF)
        .buffer_capacity(1 << 10)
        .from_writer(out)
}

impl Csv {
    fn write(&mut self, out: &mut Out) -> io::Result<()> {
        let about = self.about.take().unwrap_or_default();
        self.record.push_field(defused(&about).as_bytes());
        let mut writer = writer(out);
        writer.write_byte_record(&self.record)?;
        writer.flush()?;
        self.record.clear();
        Ok(())
    }
}

impl Form for Csv {
    fn begin(
        &mut self,
        out: &mut Out,
        about: &About,
        columns: &'static [Column],
    ) -> io::Result<()> {
        self.zone = Some(about.zone.clone());
        self.about = Some(about.in_one_line());
        self.columns = columns.len();
        let mut writer = writer(out);
        let names = columns.iter().map(|column| column.name);
        writer.write_record(names.chain(std::iter::once("about")))?;
        writer.flush()
    }

    fn row(&mut self, out: &mut Out, row: &[Cell]) -> io::Result<()> {
        let zone = self.zone.get_or_insert(TimeZone::UTC);
        for cell in row {
            let text = cell.shown(zone);
            if cell.is_number() {
                self.record.push_field(text.as_bytes());
            } else {
                self.record.push_field(defused(&text).as_bytes());
            }
        }
        self.write(out)
    }

    fn end(&mut self, out: &mut Out, _: &About, _: &Summary) -> io::Result<()> {
        if self.about.is_some() {
            for _ in 0..self.columns {
                self.record.push_field(b"");
            }
            self.write(out)?;
        }
        Ok(())
    }
}
