//! YOLO: for boxes and polygons a text file a picture, for classes a folder a class.
use super::{
    Done, Exporter, Out,
    places::{Folder, Names, TextFile, stem_and_ending},
    row::Row,
};
use crate::{
    error::{Error, Result},
    model::{Answer, BoxShape, Item, Job, JobKind, Polygon, Size},
};

pub(super) struct Yolo {
    job: Job,
    folder: Folder,
    rows: TextFile,
    names: Names,
    /// The folder of each class; empty where there are none.
    classes: Vec<String>,
    without_picture: u64,
    unlabelled: u64,
}

impl Yolo {
    pub(super) fn open(job: &Job, out: Out) -> Result<Self> {
        let folder = Folder::open(out)?;
        let rows = folder.create("items.jsonl")?;
        let classes = if job.kind == JobKind::Classify { class_folders(job, &folder)? } else { Vec::new() };
        Ok(Self { job: job.clone(), folder, rows, names: Names::default(), classes, without_picture: 0, unlabelled: 0 })
    }
    /// Copies the picture to `where/NAME.ENDING`, if it is at hand.
    fn picture(&mut self, item: &Item, place: &str, stem: &str) -> Result<()> {
        let (_, ending) = stem_and_ending(&item.name);
        let dot = if ending.is_empty() { "" } else { "." };
        match &item.path {
            Some(path) => self.folder.copy(item, path, &format!("{place}/{stem}{dot}{ending}")),
            None => {
                self.without_picture = self.without_picture.saturating_add(1);
                Ok(())
            }
        }
    }
}

/// A folder a class, also for classes that nobody chose: training tools number classes by the folders there are.
fn class_folders(job: &Job, folder: &Folder) -> Result<Vec<String>> {
    let mut names = Names::default();
    let folders: Vec<String> = (0_u32..).zip(&job.classes).map(|(n, class)| names.give(class, n)).collect();
    let named: serde_json::Map<_, _> = folders.iter().zip(&job.classes).map(|(f, c)| (f.clone(), c.clone().into())).collect();
    folders.iter().try_for_each(|name| folder.make(&format!("train/{name}")))?;
    folder.write("classes.json", &format!("{}\n", serde_json::Value::Object(named)))?;
    Ok(folders)
}

impl Exporter for Yolo {
    fn item(&mut self, item: &Item) -> Result<()> {
        let row = serde_json::to_string(&Row::of(&self.job, item)).map_err(|e| Error::Refused(e.to_string()))?;
        self.rows.write(&row)?;
        self.rows.write("\n")?;
        let stem = self.names.give(stem_and_ending(&item.name).0, item.task);
        let lines = match &item.answer {
            None => {
                self.unlabelled = self.unlabelled.saturating_add(1);
                return self.picture(item, "unlabelled", &stem);
            }
            Some(Answer::Class(class)) => {
                if item.path.is_none() {
                    return Err(Error::lacks("YOLO's classes are folders of pictures"));
                }
                let class = self.classes.get(usize::from(*class)).cloned().unwrap_or_default();
                return self.picture(item, &format!("train/{class}"), &stem);
            }
            Some(Answer::Boxes(boxes)) => lines(item, boxes, box_line)?,
            Some(Answer::Polygons(polygons)) => lines(item, polygons, polygon_line)?,
            Some(Answer::Set(_) | Answer::Spans(_) | Answer::Text(_)) => return Ok(()), // no such job is exported so
        };
        self.folder.write(&format!("labels/train/{stem}.txt"), &lines)?;
        self.picture(item, "images/train", &stem)
    }
    fn finish(self: Box<Self>) -> Result<Done> {
        let Self { job, folder, rows, without_picture, unlabelled, .. } = *self;
        rows.finish()?;
        if job.kind != JobKind::Classify {
            folder.write("data.yaml", &data_yaml(&job))?;
        }
        let mut notes = Vec::new();
        if without_picture > 0 {
            notes.push(format!(
                "{without_picture} pictures are not in the export; name the folder of items with --items, or a key with --from, to have them in it"
            ));
        }
        if unlabelled > 0 {
            notes.push(format!("{unlabelled} items have no label: they are in items.jsonl, and their pictures in 'unlabelled'"));
        }
        Ok(Done { written: vec![folder.finish()?], notes })
    }
}

/// The lines of an item, in parts of its picture's size. A picture without objects has an empty file.
fn lines<T>(item: &Item, shapes: &[T], line: impl Fn(&T, Size) -> String) -> Result<String> {
    match (shapes, item.size) {
        ([], _) => Ok(String::new()),
        (_, None) => Err(Error::lacks(&format!("the size of {} is not known", item.name))),
        (_, Some(size)) => Ok(shapes.iter().map(|shape| line(shape, size)).collect()),
    }
}

/// `class x-centre y-centre width height`.
fn box_line(b: &BoxShape, size: Size) -> String {
    let part = |doubled: f64, whole: u32| doubled / 2.0 / f64::from(whole);
    let (width, height) = (f64::from(b.width), f64::from(b.height));
    let (x, y) = (2.0 * f64::from(b.x) + width, 2.0 * f64::from(b.y) + height);
    let [x, y, width, height] = [part(x, size.width), part(y, size.height), part(2.0 * width, size.width), part(2.0 * height, size.height)];
    format!("{} {x:.8} {y:.8} {width:.8} {height:.8}\n", b.class)
}

/// `class x1 y1 x2 y2 ..`, as segmentation is trained.
fn polygon_line(p: &Polygon, size: Size) -> String {
    let part = |n: u32, whole: u32| f64::from(n) / f64::from(whole);
    let corners: String = p.points.iter().map(|(x, y)| format!(" {:.8} {:.8}", part(*x, size.width), part(*y, size.height))).collect();
    format!("{}{corners}\n", p.class)
}

/// What training tools are pointed at. JSON's texts are YAML's too.
fn data_yaml(job: &Job) -> String {
    let names: String = job.classes.iter().enumerate().map(|(n, c)| format!("  {n}: {}\n", serde_json::Value::from(c.as_str()))).collect();
    format!("path: .\ntrain: images/train\nval: images/train\nnames:\n{names}")
}
