//! Pictures with their classes, as a job's items and its exported labels.
use std::{
    collections::BTreeMap,
    fs::File,
    io::{BufRead, BufReader, Read},
    path::{Path, PathBuf},
};

use rand::{SeedableRng, rngs::StdRng, seq::SliceRandom};
use serde::Deserialize;

use crate::read_file;

/// Most pixels of a picture.
const MAX_PIXELS: u32 = 1 << 16;
/// Most bytes of a list of labels.
const MAX_LABELS: u64 = 64 << 20;
/// Most bytes of a picture's file.
const MAX_BYTES: usize = 1 << 20;

/// Why pictures or labels cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum PictureError {
    /// A file is not there.
    #[error("{0}: {1}")]
    File(PathBuf, std::io::Error),
    /// A picture is not grey with 8 bits, or too large.
    #[error("{0}: {1}")]
    Picture(PathBuf, String),
    /// A line is no label.
    #[error("line {line} of the labels: {why}")]
    Label {
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        why: String,
    },
    /// Pictures of several sizes, or none.
    #[error("pictures have one size, and there is at least one")]
    Size,
}

/// One picture.
#[derive(Debug, Clone, PartialEq)]
pub struct Picture {
    /// The item's name.
    pub item: String,
    /// Rows from the top, 0 to 1.
    pub pixels: Vec<f32>,
    /// The place of its class among all.
    pub class: usize,
}

/// Pictures of one size with the names of their classes.
#[derive(Debug, Clone, PartialEq)]
pub struct Pictures {
    /// Height and width.
    pub size: [usize; 2],
    /// Names of classes, in order.
    pub classes: Vec<String>,
    /// The pictures.
    pub all: Vec<Picture>,
}

#[derive(Deserialize)]
struct Line {
    item: String,
    /// Absent where nobody labelled the item.
    class: Option<String>,
}

impl Pictures {
    /// Reads the labels of a job (JSON Lines with `item` and `class`, as `cairnd job export` writes them) and the pictures that they name in a folder. Items
    /// without a class are left out.
    ///
    /// # Errors
    /// [`PictureError`].
    pub fn read(items: &Path, labels: &Path) -> Result<Self, PictureError> {
        let file = File::open(labels).map_err(|error| PictureError::File(labels.into(), error))?;
        let lines = read_lines(BufReader::new(file))?;
        let mut names: Vec<String> = lines.iter().map(|(_, class)| class.clone()).collect();
        names.sort_by_key(|name| (name.len(), name.clone()));
        names.dedup();
        let places: BTreeMap<&str, usize> = names.iter().enumerate().map(|(place, name)| (name.as_str(), place)).collect();
        let (mut size, mut all) = (None, Vec::new());
        for (item, class) in &lines {
            let (found, pixels) = picture(&items.join(item))?;
            if *size.get_or_insert(found) != found {
                return Err(PictureError::Size);
            }
            all.push(Picture { item: item.clone(), pixels, class: places[class.as_str()] });
        }
        Ok(Self { size: size.ok_or(PictureError::Size)?, classes: names, all })
    }

    /// Sets a part of each class aside, drawn with a seed: the rest, and what was set aside.
    #[must_use]
    pub fn split(&self, aside: f64, seed: u64) -> (Vec<Picture>, Vec<Picture>) {
        let mut random = StdRng::seed_from_u64(seed);
        let (mut rest, mut held) = (Vec::new(), Vec::new());
        for class in 0..self.classes.len() {
            let mut of: Vec<&Picture> = self.all.iter().filter(|picture| picture.class == class).collect();
            of.shuffle(&mut random);
            let count = (of.len() as f64 * aside.clamp(0.0, 1.0)).round() as usize;
            held.extend(of.iter().take(count).map(|picture| (*picture).clone()));
            rest.extend(of.iter().skip(count).map(|picture| (*picture).clone()));
        }
        (rest, held)
    }
}

/// Items and their classes.
fn read_lines(reader: impl BufRead) -> Result<Vec<(String, String)>, PictureError> {
    let mut lines = Vec::new();
    // One byte more than there may be, so that a longer list is refused and not cut.
    let mut reader = reader.take(MAX_LABELS + 1);
    for (number, text) in (1..).zip(reader.by_ref().lines()) {
        let wrong = |why: String| PictureError::Label { line: number, why };
        let line: Line =
            serde_json::from_str(&text.map_err(|error| wrong(error.to_string()))?).map_err(|error| wrong(error.to_string()))?;
        // A name of a file beside the others, and no way out of the folder.
        if Path::new(&line.item).file_name().is_none_or(|name| name != line.item.as_str()) {
            return Err(wrong(format!("{:?} is no name of a file", line.item)));
        }
        lines.extend(line.class.map(|class| (line.item, class)));
    }
    if reader.limit() == 0 {
        return Err(PictureError::Label { line: lines.len(), why: "the list has more than 64 MiB".to_owned() });
    }
    Ok(lines)
}

/// Height and width of a picture, and its pixels, 0 to 1.
///
/// # Errors
/// [`PictureError::File`], [`PictureError::Picture`].
pub fn picture(path: &Path) -> Result<([usize; 2], Vec<f32>), PictureError> {
    let wrong = |why: String| PictureError::Picture(path.into(), why);
    let bytes = read_file(path, MAX_BYTES).map_err(|error| PictureError::File(path.into(), error))?;
    let mut reader = png::Decoder::new(bytes.as_slice()).read_info().map_err(|error| wrong(error.to_string()))?;
    let (info, pixels) = (reader.info(), reader.info().width.saturating_mul(reader.info().height));
    if info.color_type != png::ColorType::Grayscale || info.bit_depth != png::BitDepth::Eight || pixels > MAX_PIXELS {
        return Err(wrong("pictures are grey with 8 bits and have at most 65,536 pixels".to_owned()));
    }
    let size = [info.height as usize, info.width as usize];
    let mut grey = vec![0; reader.output_buffer_size()];
    reader.next_frame(&mut grey).map_err(|error| wrong(error.to_string()))?;
    Ok((size, grey.iter().map(|pixel| f32::from(*pixel) / 255.0).collect()))
}
