//! COCO: pictures with what we know of them, categories from 1 in the order of classes, annotations of objects or of whole pictures.
use std::{
    fs::File,
    io::{BufWriter, Read, Seek, Write},
    path::Path,
};

use serde_json::{Value, json};

use super::{
    Done, Exporter, Out,
    row::{labels, posterior},
    sink::Sink,
};
use crate::{
    error::{Error, Result},
    model::{Answer, BoxShape, Item, Job, Polygon},
};

pub(super) struct Coco {
    job: Job,
    sink: Sink,
    /// Annotations stand after all pictures: they wait here.
    waiting: BufWriter<File>,
    pictures: u64,
    annotations: u64,
}

fn failed(e: std::io::Error) -> Error {
    Error::io("write", Path::new("a temporary file"))(e)
}

impl Coco {
    pub(super) fn open(job: &Job, out: Out) -> Result<Self> {
        let mut sink = Sink::open(out)?;
        sink.write(b"{\"info\":")?;
        let info = json!({
            "description": job.title, "version": "1", "year": job.date.get(..4).and_then(|y| y.parse::<u32>().ok()), "contributor": job.requester,
            "date_created": job.date, "url": "",
            "cairn": {
                "chain": job.chain, "job": job.id, "type": job.kind.name(), "model": job.model, "digest": job.digest,
                "asset": job.asset, "manifest_root": job.manifest_root,
            },
        });
        sink.line(&info)?;
        sink.write(b",\"licenses\":")?;
        sink.line(&if job.licence.is_empty() { json!([]) } else { json!([{ "id": 1, "name": job.licence, "url": job.licence }]) })?;
        sink.write(b",\"categories\":")?;
        let category = |(id, name): (u32, &String)| json!({ "id": id, "name": name, "supercategory": "" });
        sink.line(&(1_u32..).zip(&job.classes).map(category).collect::<Vec<_>>())?;
        sink.write(b",\"images\":[")?;
        let waiting = BufWriter::new(tempfile::tempfile().map_err(failed)?);
        Ok(Self { job: job.clone(), sink, waiting, pictures: 0, annotations: 0 })
    }
    fn annotate(&mut self, item: &Item, class: u16, shape: Value) -> Result<()> {
        self.annotations = self.annotations.saturating_add(1);
        let mut annotation = json!({
            "id": self.annotations, "image_id": picture_id(item), "category_id": u32::from(class).saturating_add(1), "iscrowd": 0,
            "score": item.confidence(),
        });
        if let (Some(fields), Value::Object(shape)) = (annotation.as_object_mut(), shape) {
            fields.extend(shape);
        }
        let separator = if self.annotations == 1 { "\n" } else { ",\n" };
        write!(self.waiting, "{separator}{annotation}").map_err(failed)
    }
}

fn picture_id(item: &Item) -> u64 {
    u64::from(item.task).saturating_add(1)
}

impl Exporter for Coco {
    fn item(&mut self, item: &Item) -> Result<()> {
        let truth = item.gold.as_ref().map(|a| crate::Fields::of(a, &self.job.classes));
        let mut picture = json!({
            "id": picture_id(item), "file_name": item.name,
            "width": item.size.map_or(0, |s| s.width), "height": item.size.map_or(0, |s| s.height),
            "answered": item.answer.is_some(),
            "cairn": {
                "task": item.task, "posterior": posterior(&self.job, item), "votes": item.votes, "gold": item.gold.is_some(), "truth": truth,
                "labels": labels(&self.job, item), "sha256": item.sha256,
            },
        });
        if let Some(fields) = picture.as_object_mut().filter(|_| !self.job.licence.is_empty()) {
            fields.insert("license".into(), 1.into());
        }
        self.sink.write(if self.pictures == 0 { b"\n" } else { b",\n" })?;
        self.pictures = self.pictures.saturating_add(1);
        self.sink.write(picture.to_string().as_bytes())?;
        // A category of the whole picture has neither box nor segmentation: made-up ones would train detectors.
        let whole = json!({ "area": item.size.map_or(0, |s| u64::from(s.width).saturating_mul(s.height.into())) });
        match &item.answer {
            Some(Answer::Class(class)) => self.annotate(item, *class, whole)?,
            Some(Answer::Set(set)) => set.iter().try_for_each(|class| self.annotate(item, *class, whole.clone()))?,
            Some(Answer::Boxes(boxes)) => boxes.iter().try_for_each(|b| self.annotate(item, b.class, box_shape(b)))?,
            Some(Answer::Polygons(polygons)) => polygons.iter().try_for_each(|p| self.annotate(item, p.class, polygon_shape(p)))?,
            Some(Answer::Spans(_) | Answer::Text(_)) | None => {}
        }
        Ok(())
    }
    fn finish(mut self: Box<Self>) -> Result<Done> {
        self.sink.write(b"\n],\"annotations\":[")?;
        self.waiting.flush().map_err(failed)?;
        let file = self.waiting.get_mut();
        file.rewind().map_err(failed)?;
        let mut chunk = vec![0; 1 << 16];
        loop {
            let read = file.read(&mut chunk).map_err(failed)?;
            match chunk.get(..read) {
                Some(part) if read > 0 => self.sink.write(part)?,
                _ => break,
            }
        }
        self.sink.write(b"\n]}\n")?;
        Ok(Done { written: self.sink.finish()?.into_iter().collect(), notes: Vec::new() })
    }
}

fn box_shape(b: &BoxShape) -> Value {
    let area = u64::from(b.width).saturating_mul(b.height.into());
    let (right, low) = (b.x.saturating_add(b.width), b.y.saturating_add(b.height));
    json!({ "bbox": [b.x, b.y, b.width, b.height], "area": area, "segmentation": [[b.x, b.y, right, b.y, right, low, b.x, low]] })
}

fn polygon_shape(p: &Polygon) -> Value {
    let flat: Vec<u32> = p.points.iter().flat_map(|(x, y)| [*x, *y]).collect();
    let bounds =
        |side: fn(&(u32, u32)) -> u32| (p.points.iter().map(side).min().unwrap_or(0), p.points.iter().map(side).max().unwrap_or(0));
    let ((left, right), (top, low)) = (bounds(|c| c.0), bounds(|c| c.1));
    json!({ "bbox": [left, top, right.saturating_sub(left), low.saturating_sub(top)], "area": area(&p.points), "segmentation": [flat] })
}

/// The shoelace formula.
fn area(points: &[(u32, u32)]) -> f64 {
    let next = points.iter().cycle().skip(1);
    let doubled: f64 = points.iter().zip(next).map(|((x, y), (u, v))| f64::from(*x) * f64::from(*v) - f64::from(*u) * f64::from(*y)).sum();
    (doubled / 2.0).abs()
}
