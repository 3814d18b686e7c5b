//! Parquet: a row a task, lists as lists, written in groups of rows with snappy.
use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    sync::Arc,
};

use parquet::{
    basic::Compression,
    data_type::{BoolType, ByteArray, ByteArrayType, DataType, DoubleType, Int32Type, Int64Type},
    errors::ParquetError,
    file::{
        metadata::KeyValue,
        properties::WriterProperties,
        writer::{SerializedFileWriter, SerializedRowGroupWriter},
    },
    schema::parser::parse_message_type,
};
use serde_json::json;

use super::{Done, Exporter, Out, csv::cell, row::labels};
use crate::{
    error::{Error, Result},
    model::{Item, Job, share},
};

/// Rows of a group, and how many bytes of text end one early.
const ROWS: usize = 65_536;
const BYTES: usize = 32 << 20;

pub(super) struct Parquet {
    job: Job,
    writer: Option<SerializedFileWriter<File>>,
    part: PathBuf,
    path: PathBuf,
    rows: Rows,
}

/// A column without lists: values that are there, and for each row whether it has one.
struct Flat<T> {
    values: Vec<T>,
    present: Vec<i16>,
}

impl<T> Default for Flat<T> {
    fn default() -> Self {
        Self { values: Vec::new(), present: Vec::new() }
    }
}

impl<T> Flat<T> {
    fn push(&mut self, value: Option<T>) {
        self.present.push(i16::from(value.is_some()));
        self.values.extend(value);
    }
}

/// Where the elements of a list column stand: Parquet's definition and repetition levels, which all columns of one list share.
#[derive(Default)]
struct Levels {
    present: Vec<i16>,
    repeated: Vec<i16>,
}

impl Levels {
    /// A row with a list of so many elements.
    fn push(&mut self, elements: usize) {
        self.repeated.push(0);
        self.present.push(i16::from(elements > 0));
        for _ in 1..elements {
            self.repeated.push(1);
            self.present.push(1);
        }
    }
}

#[derive(Default)]
struct Rows {
    bytes: usize,
    task: Vec<i32>,
    item: Vec<ByteArray>,
    answer: Flat<ByteArray>,
    posterior: Flat<f64>,
    posteriors: (Vec<f64>, Levels),
    votes: (Vec<i32>, Levels),
    gold: Vec<bool>,
    truth: Flat<ByteArray>,
    workers: (Vec<ByteArray>, Levels),
    worker_answers: Vec<ByteArray>,
    late: Vec<bool>,
    paid: Vec<bool>,
    reasons: Vec<ByteArray>,
    sha256: Flat<ByteArray>,
    size: Flat<i64>,
    width: Flat<i32>,
    height: Flat<i32>,
    text: Flat<ByteArray>,
}

/// The columns, in the order in which [`Rows::write`] writes them.
fn schema(job: &Job) -> String {
    format!(
        "message result {{
            required int32 task (INTEGER(32,false));
            required binary item (STRING);
            optional binary {} (STRING);
            optional double posterior;
            required group posteriors (LIST) {{ repeated group list {{ required double element; }} }}
            required group votes (LIST) {{ repeated group list {{ required int32 element; }} }}
            required boolean gold;
            optional binary truth (STRING);
            required group labels (LIST) {{ repeated group list {{ required group element {{
                required binary worker (STRING); required binary answer (STRING); required boolean late; required boolean paid;
                required binary reason (STRING);
            }} }} }}
            optional binary sha256 (STRING);
            optional int64 bytes;
            optional int32 width;
            optional int32 height;
            optional binary text (STRING);
            required binary chain (STRING);
            required int64 job;
            required binary model (STRING);
            required boolean settled;
        }}",
        job.kind.field()
    )
}

impl Parquet {
    pub(super) fn open(job: &Job, out: Out) -> Result<Self> {
        let Out::Path(path) = out else { return Err(Error::Refused("Parquet cannot be streamed; name a file with --out".into())) };
        let name = path.file_name().and_then(|n| n.to_str()).ok_or_else(|| Error::Refused(format!("{} names no file", path.display())))?;
        let part = path.with_file_name(format!(".{name}.part"));
        let about = json!({
            "chain": job.chain, "job": job.id, "title": job.title, "type": job.kind.name(), "classes": job.classes, "model": job.model,
            "state": job.state, "settled": job.settled,
            "digest": job.digest, "asset": job.asset, "manifest_root": job.manifest_root, "licence": job.licence,
        });
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_key_value_metadata(Some(vec![KeyValue::new("cairn".to_owned(), about.to_string())]))
            .build();
        let schema = parse_message_type(&schema(job)).map_err(failed(&path))?;
        let file = File::create(&part).map_err(Error::io("write", &part))?;
        let writer = SerializedFileWriter::new(file, Arc::new(schema), Arc::new(properties)).map_err(failed(&path))?;
        Ok(Self { job: job.clone(), writer: Some(writer), part, path, rows: Rows::default() })
    }
    fn flush(&mut self) -> Result<()> {
        let rows = std::mem::take(&mut self.rows);
        match self.writer.as_mut().filter(|_| !rows.task.is_empty()) {
            Some(writer) => rows.write(&self.job, writer).map_err(failed(&self.path)),
            None => Ok(()),
        }
    }
}

fn failed(path: &Path) -> impl Fn(ParquetError) -> Error {
    let path = path.to_owned();
    move |e| Error::io("write", &path)(std::io::Error::other(e))
}

impl Exporter for Parquet {
    fn item(&mut self, item: &Item) -> Result<()> {
        self.rows.push(&self.job, item)?;
        if self.rows.task.len() >= ROWS || self.rows.bytes >= BYTES { self.flush() } else { Ok(()) }
    }
    fn finish(mut self: Box<Self>) -> Result<Done> {
        self.flush()?;
        if let Some(writer) = self.writer.take() {
            let file = writer.into_inner().map_err(failed(&self.path))?;
            file.sync_all().and_then(|()| fs::rename(&self.part, &self.path)).map_err(Error::io("write", &self.path))?;
        }
        Ok(Done { written: vec![self.path.clone()], notes: Vec::new() })
    }
}

impl Drop for Parquet {
    /// Given up: what was written so far goes. That it cannot is no new failure.
    fn drop(&mut self) {
        if self.writer.take().is_some() {
            drop(fs::remove_file(&self.part));
        }
    }
}

impl Rows {
    fn push(&mut self, job: &Job, item: &Item) -> Result<()> {
        let answer = item.answer.as_ref().map(|a| cell(a, job)).transpose()?;
        let held = [Some(&item.name), answer.as_ref(), item.text.as_ref()].into_iter().flatten().map(String::len).sum::<usize>();
        self.bytes = self.bytes.saturating_add(held).saturating_add(item.labels.len().saturating_mul(64));
        self.task.push(i32::from_ne_bytes(item.task.to_ne_bytes()));
        self.item.push(text(item.name.clone()));
        self.answer.push(answer.map(text));
        self.posterior.push(item.confidence());
        self.posteriors.1.push(item.posterior.len());
        self.posteriors.0.extend(item.posterior.iter().map(|p| share(*p)));
        self.votes.1.push(item.votes.len());
        self.votes.0.extend(item.votes.iter().map(|v| i32::try_from(*v).unwrap_or(i32::MAX)));
        self.gold.push(item.gold.is_some());
        self.truth.push(item.gold.as_ref().map(|a| cell(a, job)).transpose()?.map(text));
        self.workers.1.push(item.labels.len());
        for (label, row) in item.labels.iter().zip(labels(job, item)) {
            self.workers.0.push(text(row.worker));
            self.worker_answers.push(text(cell(&label.answer, job)?));
            self.late.push(row.late);
            self.paid.push(row.paid);
            self.reasons.push(text(row.reason));
        }
        self.sha256.push(item.sha256.clone().map(text));
        self.size.push(item.bytes.and_then(|b| i64::try_from(b).ok()));
        self.width.push(item.size.and_then(|s| i32::try_from(s.width).ok()));
        self.height.push(item.size.and_then(|s| i32::try_from(s.height).ok()));
        self.text.push(item.text.clone().map(text));
        Ok(())
    }
    fn write(self, job: &Job, writer: &mut SerializedFileWriter<File>) -> parquet::errors::Result<()> {
        let rows = self.task.len();
        let mut group = writer.next_row_group()?;
        let g = &mut group;
        column::<Int32Type>(g, &self.task, None)?;
        column::<ByteArrayType>(g, &self.item, None)?;
        optional::<ByteArrayType>(g, &self.answer)?;
        optional::<DoubleType>(g, &self.posterior)?;
        column::<DoubleType>(g, &self.posteriors.0, Some(&self.posteriors.1))?;
        column::<Int32Type>(g, &self.votes.0, Some(&self.votes.1))?;
        column::<BoolType>(g, &self.gold, None)?;
        optional::<ByteArrayType>(g, &self.truth)?;
        column::<ByteArrayType>(g, &self.workers.0, Some(&self.workers.1))?;
        column::<ByteArrayType>(g, &self.worker_answers, Some(&self.workers.1))?;
        column::<BoolType>(g, &self.late, Some(&self.workers.1))?;
        column::<BoolType>(g, &self.paid, Some(&self.workers.1))?;
        column::<ByteArrayType>(g, &self.reasons, Some(&self.workers.1))?;
        optional::<ByteArrayType>(g, &self.sha256)?;
        optional::<Int64Type>(g, &self.size)?;
        optional::<Int32Type>(g, &self.width)?;
        optional::<Int32Type>(g, &self.height)?;
        optional::<ByteArrayType>(g, &self.text)?;
        column::<ByteArrayType>(g, &vec![text(job.chain.clone()); rows], None)?;
        column::<Int64Type>(g, &vec![i64::from_ne_bytes(job.id.to_ne_bytes()); rows], None)?;
        column::<ByteArrayType>(g, &vec![text(job.model.clone()); rows], None)?;
        column::<BoolType>(g, &vec![job.settled; rows], None)?;
        group.close().map(drop)
    }
}

fn text(text: String) -> ByteArray {
    ByteArray::from(text.into_bytes())
}

type Group<'a> = SerializedRowGroupWriter<'a, File>;

fn optional<D: DataType>(group: &mut Group<'_>, flat: &Flat<D::T>) -> parquet::errors::Result<()> {
    write::<D>(group, &flat.values, Some(&flat.present), None)
}

fn column<D: DataType>(group: &mut Group<'_>, values: &[D::T], levels: Option<&Levels>) -> parquet::errors::Result<()> {
    write::<D>(group, values, levels.map(|l| l.present.as_slice()), levels.map(|l| l.repeated.as_slice()))
}

fn write<D: DataType>(
    group: &mut Group<'_>,
    values: &[D::T],
    present: Option<&[i16]>,
    repeated: Option<&[i16]>,
) -> parquet::errors::Result<()> {
    let Some(mut column) = group.next_column()? else { return Err(ParquetError::General("more columns than the schema has".into())) };
    column.typed::<D>().write_batch(values, present, repeated)?;
    column.close()
}
