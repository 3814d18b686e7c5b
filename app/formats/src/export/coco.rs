//! COCO: pictures with what we know of them, categories from 1 in the order of classes, annotations of objects or of whole pictures.
use std::{
    borrow::Cow,
    fs::File,
    io::{BufWriter, Read, Seek, Write},
    path::Path,
};

use serde::{Serialize, Serializer};
use serde_json::json;

use super::{Done, Exporter, Out, row::About, sink::Sink};
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
            "description": job.title, "version": "1", "year": job.date.get(..4).and_then(|y| y.parse::<u32>().ok()),
            "contributor": job.requester,
            "date_created": job.date, "url": "",
            "cairn": {
                "chain": job.chain, "job": job.id, "type": job.kind.name(), "model": job.model, "digest": job.digest,
                "state": job.state, "settled": job.settled,
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
    fn annotate(&mut self, item: &Item, class: u16, shape: Shape<'_>) -> Result<()> {
        self.annotations = self.annotations.saturating_add(1);
        let annotation = Annotation {
            id: self.annotations,
            image_id: picture_id(item),
            category_id: u32::from(class).saturating_add(1),
            iscrowd: 0,
            score: item.confidence(),
            area: shape.area,
            bbox: shape.bbox,
            segmentation: shape.corners.map(|corners| [corners]),
        };
        let text = serde_json::to_vec(&annotation).map_err(|e| Error::Refused(e.to_string()))?;
        let separator: &[u8] = if self.annotations == 1 { b"\n" } else { b",\n" };
        self.waiting.write_all(separator).and_then(|()| self.waiting.write_all(&text)).map_err(failed)
    }
}

#[derive(Serialize)]
struct Picture<'a> {
    id: u64,
    file_name: &'a str,
    width: u32,
    height: u32,
    answered: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    license: Option<u8>,
    cairn: About<'a>,
}

#[derive(Serialize)]
struct Annotation<'a> {
    id: u64,
    image_id: u64,
    category_id: u32,
    iscrowd: u8,
    score: Option<f64>,
    area: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    bbox: Option<[u32; 4]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    segmentation: Option<[Corners<'a>; 1]>,
}

/// Where an object is; of a whole picture there is its area alone: a made-up box or segmentation would train detectors.
struct Shape<'a> {
    area: f64,
    bbox: Option<[u32; 4]>,
    corners: Option<Corners<'a>>,
}

/// A ring: x and y in turn.
struct Corners<'a>(Cow<'a, [(u32, u32)]>);

impl Serialize for Corners<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().flat_map(|(x, y)| [x, y]))
    }
}

fn picture_id(item: &Item) -> u64 {
    u64::from(item.task).saturating_add(1)
}

impl Exporter for Coco {
    fn item(&mut self, item: &Item) -> Result<()> {
        let picture = Picture {
            id: picture_id(item),
            file_name: &item.name,
            width: item.size.map_or(0, |s| s.width),
            height: item.size.map_or(0, |s| s.height),
            answered: item.answer.is_some(),
            license: (!self.job.licence.is_empty()).then_some(1),
            cairn: About::of(&self.job, item),
        };
        let text = serde_json::to_vec(&picture).map_err(|e| Error::Refused(e.to_string()))?;
        self.sink.write(if self.pictures == 0 { b"\n" } else { b",\n" })?;
        self.sink.write(&text)?;
        self.pictures = self.pictures.saturating_add(1);
        let whole = || Shape { area: item.size.map_or(0.0, |s| f64::from(s.width) * f64::from(s.height)), bbox: None, corners: None };
        match &item.answer {
            Some(Answer::Class(class)) => self.annotate(item, *class, whole())?,
            Some(Answer::Set(set)) => set.iter().try_for_each(|class| self.annotate(item, *class, whole()))?,
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

fn box_shape(b: &BoxShape) -> Shape<'static> {
    let (right, low) = (b.x.saturating_add(b.width), b.y.saturating_add(b.height));
    let corners = vec![(b.x, b.y), (right, b.y), (right, low), (b.x, low)];
    Shape {
        area: f64::from(b.width) * f64::from(b.height),
        bbox: Some([b.x, b.y, b.width, b.height]),
        corners: Some(Corners(Cow::Owned(corners))),
    }
}

fn polygon_shape(p: &Polygon) -> Shape<'_> {
    let bounds = |side: fn(&(u32, u32)) -> u32| {
        let places = || p.points.iter().map(side);
        (places().min().unwrap_or(0), places().max().unwrap_or(0))
    };
    let ((left, right), (top, low)) = (bounds(|c| c.0), bounds(|c| c.1));
    Shape {
        area: area(&p.points),
        bbox: Some([left, top, right.saturating_sub(left), low.saturating_sub(top)]),
        corners: Some(Corners(Cow::Borrowed(&p.points))),
    }
}

/// The shoelace formula.
fn area(points: &[(u32, u32)]) -> f64 {
    let next = points.iter().cycle().skip(1);
    let doubled: f64 = points.iter().zip(next).map(|((x, y), (u, v))| f64::from(*x) * f64::from(*v) - f64::from(*u) * f64::from(*y)).sum();
    (doubled / 2.0).abs()
}
