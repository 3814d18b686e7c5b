//! Pascal VOC: an XML file a picture, with boxes in pixels.
use super::{
    Done, Exporter, Out,
    label_studio::escaped,
    places::{Folder, Names, TextFile, stem_and_ending},
    row::Row,
};
use crate::{
    error::{Error, Result},
    model::{Answer, BoxShape, Item, Job},
};

pub(super) struct Voc {
    job: Job,
    folder: Folder,
    rows: TextFile,
    /// Names of annotated pictures, and of those nobody labelled.
    lists: [TextFile; 2],
    names: Names,
    without_picture: u64,
}

impl Voc {
    pub(super) fn open(job: &Job, out: Out) -> Result<Self> {
        let folder = Folder::open(out)?;
        let rows = folder.create("items.jsonl")?;
        let lists = [folder.create("ImageSets/Main/trainval.txt")?, folder.create("ImageSets/Main/unlabelled.txt")?];
        folder.write("labels.txt", &job.classes.iter().map(|c| format!("{c}\n")).collect::<String>())?;
        Ok(Self { job: job.clone(), folder, rows, lists, names: Names::default(), without_picture: 0 })
    }
}

impl Exporter for Voc {
    fn item(&mut self, item: &Item) -> Result<()> {
        let row = serde_json::to_string(&Row::of(&self.job, item)).map_err(|e| Error::Refused(e.to_string()))?;
        self.rows.write(&row)?;
        self.rows.write("\n")?;
        let (stem, ending) = stem_and_ending(&item.name);
        let stem = self.names.give(stem, item.task);
        let file = if ending.is_empty() { stem.clone() } else { format!("{stem}.{ending}") };
        let [annotated, unlabelled] = &mut self.lists;
        match &item.answer {
            Some(Answer::Boxes(boxes)) => {
                self.folder.write(&format!("Annotations/{stem}.xml"), &document(&self.job, item, &file, boxes)?)?;
                annotated.write(&format!("{stem}\n"))?;
            }
            _ => unlabelled.write(&format!("{stem}\n"))?,
        }
        match &item.path {
            Some(path) => self.folder.copy(item, path, &format!("JPEGImages/{file}")),
            None => {
                self.without_picture = self.without_picture.saturating_add(1);
                Ok(())
            }
        }
    }
    fn finish(self: Box<Self>) -> Result<Done> {
        let Self { folder, rows, lists, without_picture, .. } = *self;
        rows.finish()?;
        lists.into_iter().try_for_each(TextFile::finish)?;
        let mut notes = Vec::new();
        if without_picture > 0 {
            notes.push(format!(
                "{without_picture} pictures are not in the export; name the folder of items with --items, or a key with --from, to have them in it"
            ));
        }
        Ok(Done { written: vec![folder.finish()?], notes })
    }
}

fn document(job: &Job, item: &Item, file: &str, boxes: &[BoxShape]) -> Result<String> {
    let size = item.size.ok_or_else(|| Error::lacks(&format!("the size of {} is not known", item.name)))?;
    let objects: String = boxes.iter().map(|b| object(job, b)).collect();
    Ok(format!(
        "<annotation>\n\t<folder>JPEGImages</folder>\n\t<filename>{}</filename>\n\
         \t<source><database>{}</database><annotation>job {}</annotation></source>\n\
         \t<size><width>{}</width><height>{}</height><depth>3</depth></size>\n\t<segmented>0</segmented>\n{objects}</annotation>\n",
        escaped(file),
        escaped(&job.chain),
        job.id,
        size.width,
        size.height
    ))
}

/// Edges as today's tools write them: from 0, the lower right corner outside of the box.
fn object(job: &Job, b: &BoxShape) -> String {
    format!(
        "\t<object>\n\t\t<name>{}</name>\n\t\t<pose>Unspecified</pose>\n\t\t<truncated>0</truncated>\n\t\t<difficult>0</difficult>\n\
         \t\t<bndbox><xmin>{}</xmin><ymin>{}</ymin><xmax>{}</xmax><ymax>{}</ymax></bndbox>\n\t</object>\n",
        escaped(job.class(b.class)),
        b.x,
        b.y,
        b.x.saturating_add(b.width),
        b.y.saturating_add(b.height)
    )
}
