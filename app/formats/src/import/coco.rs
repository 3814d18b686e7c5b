//! COCO: pictures, categories and annotations; boxes, polygons, and categories of whole pictures.
use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    fs::File,
    io::BufReader,
    path::Path,
};

use serde::{
    Deserialize,
    de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor},
};

use super::{Collector, Entry, seq::Each};
use crate::{
    answer::{box_shape, class_of, polygon},
    error::{Error, Result},
    model::{Answer, BoxShape, JobKind, Polygon},
};

#[derive(Deserialize)]
struct Picture {
    id: u64,
    file_name: String,
    /// Our own exports tell pictures that nobody labelled from pictures without objects.
    answered: Option<bool>,
}

#[derive(Deserialize)]
struct Category {
    id: u64,
    name: String,
}

#[derive(Deserialize)]
struct Annotation {
    image_id: u64,
    category_id: u64,
    bbox: Option<[f64; 4]>,
    #[serde(default)]
    segmentation: Segmentation,
}

#[derive(Deserialize, Default)]
#[serde(untagged)]
enum Segmentation {
    Polygons(Vec<Vec<f64>>),
    Mask(IgnoredAny),
    #[default]
    Absent,
}

/// What an annotation says, its category still by COCO's number: categories may stand after annotations.
enum Said {
    Class(u64),
    Box(u64, [u32; 4]),
    Polygon(u64, Vec<(u32, u32)>),
}

#[derive(Default)]
struct Document {
    pictures: Vec<Picture>,
    categories: HashMap<u64, String>,
    said: BTreeMap<u64, Vec<Said>>,
    faults: Vec<String>,
}

/// Reads the file once. Pictures without annotation are items too.
pub(super) fn read(path: &Path, into: &mut Collector<'_>) -> Result<Vec<String>> {
    let file = BufReader::new(File::open(path).map_err(Error::io("read", path))?);
    let mut json = serde_json::Deserializer::from_reader(file);
    let kind = into.source.job_kind;
    let mut document = Reader(kind).deserialize(&mut json).map_err(|e| Error::list(path, format!("line {}", e.line()), e.to_string()))?;
    json.end().map_err(|e| Error::list(path, format!("line {}", e.line()), e.to_string()))?;
    for fault in document.faults {
        into.fault(format!("{}: {fault}", path.display()))?;
    }
    let has_answers = !document.said.is_empty();
    for (number, picture) in (1_u64..).zip(document.pictures) {
        let said = document.said.remove(&picture.id).unwrap_or_default();
        let answer = match answer(&said, kind, &document.categories, into.source.classes) {
            // A picture without objects is an answer of its own where others have some; a whole file without is merely a list.
            Ok(Some(answer)) if picture.answered.unwrap_or(has_answers) => Some(answer),
            Ok(_) => None,
            Err(why) => {
                into.fault(format!("{} image {}: {why}", path.display(), picture.id))?;
                continue;
            }
        };
        into.add(("image", number), Entry { name: Some(picture.file_name), text: None, answer })?;
    }
    if let Some(image) = document.said.keys().next() {
        into.fault(format!("{}: annotations of image {image}, which is not listed", path.display()))?;
    }
    Ok(Vec::new())
}

fn answer(
    said: &[Said],
    kind: JobKind,
    categories: &HashMap<u64, String>,
    classes: &[String],
) -> std::result::Result<Option<Answer>, String> {
    let class = |id: &u64| class_of(categories.get(id).ok_or_else(|| format!("there is no category {id}"))?, classes);
    let classes_of = || {
        said.iter().map(|s| match s {
            Said::Class(id) | Said::Box(id, _) | Said::Polygon(id, _) => class(id),
        })
    };
    Ok(match kind {
        JobKind::Classify => match classes_of().collect::<std::result::Result<Vec<_>, _>>()?.as_slice() {
            [] => None,
            [one] => Some(Answer::Class(*one)),
            several => return Err(format!("{} annotations; a CLASSIFY job has one class a picture", several.len())),
        },
        JobKind::MultiLabel => {
            let mut classes = classes_of().collect::<std::result::Result<Vec<_>, _>>()?;
            classes.sort_unstable();
            classes.dedup(); // several objects of a class in one picture
            Some(Answer::Set(classes))
        }
        JobKind::Box => Some(Answer::Boxes(boxes(said, class)?)),
        JobKind::Polygon => Some(Answer::Polygons(polygons(said, class)?)),
        _ if said.is_empty() => None,
        other => return Err(format!("COCO tells nothing for {other} jobs")),
    })
}

fn boxes(said: &[Said], class: impl Fn(&u64) -> std::result::Result<u16, String>) -> std::result::Result<Vec<BoxShape>, String> {
    let one = |s: &Said| match s {
        Said::Box(id, [x, y, width, height]) => box_shape(class(id)?, *x, *y, *width, *height),
        _ => Err("an annotation without bbox".into()),
    };
    said.iter().map(one).collect()
}

fn polygons(said: &[Said], class: impl Fn(&u64) -> std::result::Result<u16, String>) -> std::result::Result<Vec<Polygon>, String> {
    let one = |s: &Said| match s {
        Said::Polygon(id, points) => polygon(class(id)?, points.clone()),
        _ => Err("an annotation without polygon".into()),
    };
    said.iter().map(one).collect()
}

/// What an annotation says for a job of that kind.
fn said(annotation: &Annotation, kind: JobKind) -> std::result::Result<Vec<Said>, String> {
    let id = annotation.category_id;
    let of_image = |why: &str| format!("image {}: {why}", annotation.image_id);
    match (kind, &annotation.segmentation) {
        (JobKind::Box, _) => {
            let [x, y, width, height] = annotation.bbox.ok_or_else(|| of_image("an annotation without bbox"))?;
            let whole = [pixel(x), pixel(y), pixel(width), pixel(height)];
            let [Some(x), Some(y), Some(width), Some(height)] = whole else { return Err(of_image("a bbox outside of the picture")) };
            Ok(vec![Said::Box(id, [x, y, width, height])])
        }
        (JobKind::Polygon, Segmentation::Polygons(polygons)) => {
            let corner = |pair: &[f64]| match pair {
                [x, y] => pixel(*x).zip(pixel(*y)).ok_or_else(|| of_image("a corner outside of the picture")),
                _ => Err(of_image("an odd number of coordinates")),
            };
            let one = |flat: &Vec<f64>| Ok(Said::Polygon(id, flat.chunks(2).map(corner).collect::<std::result::Result<_, _>>()?));
            polygons.iter().map(one).collect()
        }
        (JobKind::Polygon, _) => Err(of_image("an annotation without polygon (masks cannot be taken over)")),
        _ => Ok(vec![Said::Class(id)]),
    }
}

/// A coordinate as a whole pixel.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to lie within u32 just above")]
fn pixel(value: f64) -> Option<u32> {
    let whole = value.round();
    (0.0..=16_777_216.0).contains(&whole).then_some(whole as u32)
}

/// Reads the object key by key, long lists element by element.
struct Reader(JobKind);

impl<'de> DeserializeSeed<'de> for Reader {
    type Value = Document;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> std::result::Result<Document, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Reader {
    type Value = Document;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a COCO object")
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<Document, A::Error> {
        let (mut out, mut any) = (Document::default(), false);
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "images" => {
                    any = true;
                    out.pictures = map.next_value()?;
                }
                "categories" => out.categories = map.next_value::<Vec<Category>>()?.into_iter().map(|c| (c.id, c.name)).collect(),
                "annotations" => {
                    let (by_image, faults) = (&mut out.said, &mut out.faults);
                    let mut handle = |a: Annotation| {
                        match said(&a, self.0) {
                            Ok(said) => by_image.entry(a.image_id).or_default().extend(said),
                            Err(why) => faults.push(why),
                        }
                        Ok(())
                    };
                    map.next_value_seed(Each::<Annotation, _>::new(&mut handle))?;
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        if any { Ok(out) } else { Err(serde::de::Error::missing_field("images")) }
    }
}
