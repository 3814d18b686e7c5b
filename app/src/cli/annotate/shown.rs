//! Items and drafts as files that people look at: pairs as two files, shapes as JSON and drawn over the picture or cut out of the text.
use std::{
    fmt::Write,
    fs,
    io::Cursor,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use cairn_annotation::formats;
use cairn_formats::{Answer, Fields, JobKind, Size, picture_size, sniff};
use cairn_kernel::{Address, merkle};
use cairn_proto::cairn::annotation::v1::{DraftResult, Job};
use cairn_truth::Draft;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::cli::{
    gateway::Gateway,
    reply::{answer_of, draws, kind_of},
};

/// An item of a job, fetched and checked against the chain.
pub(crate) fn fetch_item(gateway: &Gateway, job: &Job, task: u32) -> Result<Vec<u8>> {
    let root: merkle::Hash = job.manifest_root.as_slice().try_into().context("a manifest root has 32 bytes")?;
    let content = gateway.item(job.id, task)?;
    let proof = gateway.get(&format!("/v1/jobs/{}/tasks/{task}/proof", job.id))?;
    check_item(&content, &proof, task, job.tasks, &root)?;
    Ok(content)
}

/// Refuses content that is not the item that the job committed to.
fn check_item(content: &[u8], proof: &Value, task: u32, tasks: u32, root: &merkle::Hash) -> Result<()> {
    let hash32 =
        |text: &str| -> Result<merkle::Hash> { hex::decode(text).ok().and_then(|b| b.try_into().ok()).context("the proof holds no hash") };
    let blind = hash32(proof.get("blind").and_then(Value::as_str).unwrap_or(""))?;
    let path = proof.get("path").and_then(Value::as_array).context("the proof has no path")?;
    let path = path.iter().map(|h| hash32(h.as_str().unwrap_or(""))).collect::<Result<Vec<_>>>()?;
    let leaf = formats::item_leaf(task, &Sha256::digest(content).into(), u64::try_from(content.len())?, &blind);
    if !merkle::verify(root, &leaf, task.into(), tasks.into(), &path) {
        anyhow::bail!(
            "the gateway served something else than the item of task {task}; give the lease back with \
             'cairnd tx annotation skip-tasks --reason unavailable'"
        );
    }
    Ok(())
}

/// Writes an item as `NAME.png`, a pair as `NAME.left.png` and `NAME.right.png`. Gives the first file.
pub(crate) fn write_item(out: &Path, name: u32, media_type: &str, content: &[u8]) -> Result<PathBuf> {
    let write = |name: String, media_type: &str, content: &[u8]| -> Result<PathBuf> {
        let path = out.join(format!("{name}.{}", extension(media_type)));
        fs::write(&path, content).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(path)
    };
    match formats::read_pair(content) {
        Some((left, right)) => {
            let path = write(format!("{name}.left"), left.media_type, left.content)?;
            write(format!("{name}.right"), right.media_type, right.content)?;
            Ok(path)
        }
        None => write(name.to_string(), sniff(content).map_or(media_type, |media| media.media_type()), content),
    }
}

/// Writes a draft beside its item as `NAME.draft.*`. Gives the reason why it cannot be good, where there is one.
pub(crate) fn write_draft(
    out: &Path,
    name: u32,
    (job, found): (&Job, &DraftResult),
    item: (&Path, &[u8]),
    gateway: &Gateway,
) -> Result<Option<String>> {
    let draft = found.draft.as_ref().context("the chain tells no draft")?;
    let kind = kind_of(job.r#type())?;
    match draws(kind) {
        Some(drawn) => {
            let answer = answer_of(&Draft::decode(drawn, &draft.shapes).map_err(|e| anyhow::anyhow!("{e}"))?);
            let fields = serde_json::to_string_pretty(&Fields::of(&answer, &job.classes))?;
            fs::write(out.join(format!("{name}.draft.json")), fields)?;
            match kind {
                JobKind::Span => fs::write(out.join(format!("{name}.draft.txt")), passages(&answer, &job.classes, item.1))?,
                _ => {
                    let size = sniff(item.1).map(|media| picture_size(Cursor::new(item.1), media)).transpose()?.flatten();
                    if let Some(size) = size {
                        fs::write(out.join(format!("{name}.draft.svg")), drawn_over(&answer, &job.classes, item.0, size))?;
                    }
                }
            }
            Ok(None)
        }
        None => {
            let Some(bytes) = gateway.draft(job.id, draft.task, &hex::encode(&draft.payload))? else {
                return Ok(Some("its producer did not upload it".into()));
            };
            let content = match read_content(&bytes, &draft.payload, &found.annotator) {
                Ok(content) => content,
                Err(why) => return Ok(Some(why)),
            };
            fs::write(out.join(format!("{name}.draft.{}", extension(content.media_type))), content.content)?;
            Ok(None)
        }
    }
}

/// The content of a draft, if it is the one that its producer committed to.
pub(crate) fn read_content<'a>(bytes: &'a [u8], payload: &[u8], producer: &str) -> std::result::Result<formats::Side<'a>, String> {
    if Sha256::digest(bytes)[..] != *payload {
        return Err("the gateway served something else than the chain names".into());
    }
    let (found, content) = formats::read_draft(bytes).ok_or("it is not in the format of drafts")?;
    if Address::parse(producer).ok() != Some(found) {
        return Err(format!("it is the work of {found}, not of {producer}"));
    }
    Ok(content)
}

/// Each passage with its class, a line each.
fn passages(answer: &Answer, classes: &[String], item: &[u8]) -> String {
    let text: Vec<char> = String::from_utf8_lossy(item).chars().collect();
    let Answer::Spans(spans) = answer else { return String::new() };
    let mut out = String::new();
    for span in spans {
        let (start, end) = (usize::try_from(span.start).unwrap_or(usize::MAX), usize::try_from(span.end).unwrap_or(usize::MAX));
        let passage: String = text.get(start..end).map_or_else(|| "(outside of the text)".into(), |part| part.iter().collect());
        let class = classes.get(usize::from(span.class)).map_or("", String::as_str);
        out.push_str(&format!("{class}\t{}-{}\t{passage}\n", span.start, span.end));
    }
    if out.is_empty() { "nothing is marked\n".into() } else { out }
}

/// The picture with the shapes drawn over it, for a browser.
fn drawn_over(answer: &Answer, classes: &[String], picture: &Path, Size { width, height }: Size) -> String {
    let file = picture.file_name().map(|name| escaped(&name.to_string_lossy())).unwrap_or_default();
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\">\n\
         <image href=\"{file}\" width=\"{width}\" height=\"{height}\"/>\n\
         <g fill=\"none\" stroke=\"#e6007a\" stroke-width=\"2\">\n"
    );
    let mut shape = |class: u16, path: String| {
        let class = escaped(classes.get(usize::from(class)).map_or("", String::as_str));
        // Writing to a string does not fail.
        let _ = writeln!(out, "<path d=\"{path}\"><title>{class}</title></path>");
    };
    match answer {
        Answer::Boxes(boxes) => {
            boxes.iter().for_each(|b| shape(b.class, format!("M{} {}h{}v{}h-{}z", b.x, b.y, b.width, b.height, b.width)))
        }
        Answer::Polygons(polygons) => polygons.iter().for_each(|p| {
            let corners: Vec<String> = p.points.iter().map(|(x, y)| format!("{x} {y}")).collect();
            shape(p.class, format!("M{}z", corners.join("L")));
        }),
        _ => {}
    }
    out.push_str("</g>\n</svg>\n");
    out
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// The ending of a file of this media type, by which other programs know it.
pub(crate) fn extension(media_type: &str) -> &str {
    match media_type {
        "text/plain" => "txt",
        "text/markdown" => "md",
        "image/jpeg" => "jpg",
        "image/svg+xml" => "svg",
        "audio/mpeg" => "mp3",
        "audio/mp4" => "m4a",
        "audio/x-wav" | "audio/vnd.wave" => "wav",
        other => other.rsplit('/').next().filter(|e| !e.is_empty() && e.bytes().all(|b| b.is_ascii_alphanumeric())).unwrap_or("bin"),
    }
}

#[cfg(test)]
mod tests {
    use cairn_formats::{BoxShape, Span};

    use super::*;

    #[test]
    fn files_end_as_other_programs_expect() {
        for (media_type, expected) in [("text/plain", "txt"), ("image/png", "png"), ("image/jpeg", "jpg"), ("a/b+c", "bin"), ("", "bin")] {
            assert_eq!(extension(media_type), expected, "{media_type}");
        }
    }

    #[test]
    fn pairs_become_two_files() {
        let folder = tempfile::tempdir().unwrap();
        let side = |media_type, content| formats::Side { media_type, content };
        let pair = formats::pair(&side("text/plain", b"one"), &side("audio/mpeg", b"two")).unwrap();
        write_item(folder.path(), 4, formats::PAIR_MEDIA_TYPE, &pair).unwrap();
        assert_eq!(fs::read(folder.path().join("4.left.txt")).unwrap(), b"one");
        assert_eq!(fs::read(folder.path().join("4.right.mp3")).unwrap(), b"two");
        write_item(folder.path(), 5, "text/plain", b"plain").unwrap();
        assert!(folder.path().join("5.txt").exists());
    }

    #[test]
    fn shapes_are_drawn_and_passages_cut_out() {
        let classes = ["<cat>".to_owned()];
        let boxes = Answer::Boxes(vec![BoxShape { class: 0, x: 1, y: 2, width: 3, height: 4 }]);
        let svg = drawn_over(&boxes, &classes, Path::new("out/4.png"), Size { width: 8, height: 6 });
        assert!(svg.contains("href=\"4.png\"") && svg.contains("M1 2h3v4h-3z") && svg.contains("&lt;cat&gt;"), "{svg}");
        let spans = Answer::Spans(vec![Span { class: 0, start: 1, end: 3 }, Span { class: 0, start: 4, end: 9 }]);
        assert_eq!(passages(&spans, &classes, "Äöüs".as_bytes()), "<cat>\t1-3\töü\n<cat>\t4-9\t(outside of the text)\n");
    }

    #[test]
    fn a_draft_is_taken_only_from_its_producer() {
        let (me, you) = (Address::new(&[1; 20]).unwrap(), Address::new(&[2; 20]).unwrap());
        let draft = formats::draft(&me, &formats::Side { media_type: "text/plain", content: b"four" }).unwrap();
        let payload = Sha256::digest(&draft);
        assert_eq!(read_content(&draft, &payload, &me.to_string()).unwrap().content, b"four");
        assert!(read_content(&draft, &payload, &you.to_string()).unwrap_err().contains("the work of"));
        assert!(read_content(&draft, &[0; 32], &me.to_string()).unwrap_err().contains("something else"));
        let payload = Sha256::digest(b"x");
        assert!(read_content(b"x", &payload, &me.to_string()).unwrap_err().contains("format"));
    }
}
