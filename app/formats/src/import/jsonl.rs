//! Lists of one JSON object a line: `{"item": "a.png", "class": "cat"}` or `{"text": "..", "class": ".."}`. Our own export is such a list.
use std::{
    fs::File,
    io::{BufRead, BufReader, Read},
    path::Path,
};

use serde::Deserialize;

use super::{Collector, Entry};
use crate::{
    answer::Fields,
    error::{Error, Result},
};

/// Longest line, so that a file without line ends does not fill the memory.
const MAX_LINE: u64 = 16 << 20;

/// What a line may hold; other fields, such as those that an export adds, mean nothing here.
#[derive(Deserialize)]
struct Line {
    #[serde(alias = "file", alias = "file_name", alias = "filename", alias = "path", alias = "image", alias = "audio")]
    item: Option<String>,
    text: Option<String>,
    #[serde(flatten)]
    answer: Fields,
}

/// Reads the lines; blank ones are passed over.
pub(super) fn read(path: &Path, into: &mut Collector<'_>) -> Result<Vec<String>> {
    let mut lines = BufReader::new(File::open(path).map_err(Error::io("read", path))?);
    let (mut line, mut number) = (Vec::new(), 0_u64);
    loop {
        line.clear();
        number = number.saturating_add(1);
        let read = (&mut lines).take(MAX_LINE).read_until(b'\n', &mut line).map_err(Error::io("read", path))?;
        if read == 0 {
            return Ok(Vec::new());
        }
        if u64::try_from(read).is_ok_and(|n| n == MAX_LINE) && line.last() != Some(&b'\n') {
            return Err(Error::list(path, format!("line {number}"), format!("longer than {MAX_LINE} bytes")));
        }
        let text = line.strip_prefix(b"\xef\xbb\xbf".as_slice()).filter(|_| number == 1).unwrap_or(&line);
        if text.trim_ascii().is_empty() {
            continue;
        }
        let at = ("line", number);
        match serde_json::from_slice::<Line>(text) {
            Err(why) => into.fault(format!("{} line {number}: {why}", path.display()))?,
            Ok(found) => {
                let answer = into.answer(at, &found.answer);
                into.add(at, Entry { name: found.item, text: found.text, answer })?;
            }
        }
    }
}
