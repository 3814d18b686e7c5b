//! The contents of items for an export: from the requester's folder, or from a gateway, and never others than those that were posted.
use std::{
    fs,
    io::{BufReader, Cursor},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use cairn_annotation::formats;
use cairn_formats::{Item, ItemKind, Size, export::Needs, picture_size, sniff};
use cairn_proto::cairn::annotation::v1::{self as chain, DraftResult};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use super::record::Kept;
use crate::cli::{
    annotate::shown::{extension, fetch_item, read_content},
    gateway::Gateway,
};

/// Largest text that is put into an export, as large as an item may be.
const MAX_TEXT: u64 = 64 << 20;

/// Where contents come from, and what of them is wanted.
pub(crate) struct Contents {
    /// The folder that the job was posted from.
    folder: Option<PathBuf>,
    /// A gateway that has them.
    gateway: Option<Gateway>,
    needs: Needs,
    /// Pictures that were fetched lie here until they are written.
    fetched: TempDir,
}

impl Contents {
    /// From a folder, or else from a gateway, as far as a format needs them.
    pub(crate) fn new(folder: Option<PathBuf>, gateway: Option<Gateway>, needs: Needs) -> Result<Self> {
        Ok(Self { folder, gateway, needs, fetched: tempfile::tempdir().context("cannot make a temporary folder")? })
    }
    /// Puts what is known of a content into an item; `kept` is what the home has of it.
    pub(crate) fn add(&self, job: &chain::Job, kind: ItemKind, item: &mut Item, kept: Option<Kept>) -> Result<()> {
        let is_kept = kept.is_some();
        if let Some(kept) = kept {
            item.size = kept.size();
            item.bytes = Some(kept.bytes);
            item.name = kept.name;
            item.text = kept.text;
            item.sha256 = Some(kept.sha256);
        }
        match (&self.folder, &self.gateway) {
            (Some(folder), _) if is_kept && item.text.is_none() => read_file(&folder.join(&item.name), kind, item),
            (None, Some(gateway)) if self.lacks(kind, item) => self.fetch(gateway, job, kind, item, is_kept),
            _ => Ok(()),
        }
    }
    fn lacks(&self, kind: ItemKind, item: &Item) -> bool {
        match self.needs {
            Needs::Nothing => false,
            Needs::Size => item.size.is_none(),
            Needs::Content => kind != ItemKind::Text || item.text.is_none(),
        }
    }
    /// The content of a task, proved to be the one that the job's manifest lists.
    fn fetch(&self, gateway: &Gateway, job: &chain::Job, kind: ItemKind, item: &mut Item, is_kept: bool) -> Result<()> {
        let content = fetch_item(gateway, job, item.task).with_context(|| format!("fetching the item of task {}", item.task))?;
        item.sha256 = Some(hex::encode(Sha256::digest(&content)));
        item.bytes = Some(u64::try_from(content.len())?);
        let media = sniff(&content);
        if !is_kept {
            item.name = format!("{}.{}", item.task, extension(media.map_or(&job.media_type, |media| media.media_type())));
        }
        match kind {
            ItemKind::Text => item.text = Some(String::from_utf8(content).with_context(|| format!("{} is no text", item.name))?),
            ItemKind::Image => {
                item.size = media.map(|media| picture_size(Cursor::new(&content), media)).transpose()?.flatten();
                if self.needs == Needs::Content {
                    // One at a time: it is copied before the next is fetched.
                    let path = self.fetched.path().join("item");
                    fs::write(&path, content).with_context(|| format!("cannot write {}", path.display()))?;
                    item.path = Some(path);
                }
            }
            ItemKind::Audio | ItemKind::Pair => {}
        }
        Ok(())
    }
    /// The content of a draft that is told by its hash; none where its producer did not upload it, or something that cannot be it.
    pub(crate) fn draft(&self, job: &chain::Job, found: &DraftResult) -> Result<Option<Vec<u8>>> {
        let gateway = self.gateway.as_ref().context(
            "the drafts of this job lie with a gateway: name the requester's key, or that of somebody who may read the data set, with --from",
        )?;
        let draft = found.draft.as_ref().context("the chain tells no draft")?;
        let Some(bytes) = gateway.draft(job.id, draft.task, &hex::encode(&draft.payload))? else { return Ok(None) };
        Ok(read_content(&bytes, &draft.payload, &found.annotator).is_ok().then_some(bytes))
    }
}

/// Media type and content of a draft as it was uploaded.
pub(crate) fn opened(draft: &[u8]) -> Result<formats::Side<'_>> {
    Ok(formats::read_draft(draft).context("a draft is not in the format of drafts")?.1)
}

/// What the requester's folder has of an item.
fn read_file(path: &Path, kind: ItemKind, item: &mut Item) -> Result<()> {
    let found = fs::metadata(path).with_context(|| format!("cannot read {}", path.display()))?.len();
    let posted = item.bytes.unwrap_or(found);
    if found != posted {
        bail!("{} has {found} bytes; when the job was posted it had {posted}", path.display());
    }
    match kind {
        ItemKind::Text => item.text = Some(text(path, item.sha256.as_deref())?),
        ItemKind::Image if item.size.is_none() => item.size = size(path)?,
        _ => {}
    }
    item.path = Some(path.to_owned());
    Ok(())
}

/// A text of the folder, if it is still the one that was posted.
fn text(path: &Path, sha256: Option<&str>) -> Result<String> {
    let bytes = fs::metadata(path)?.len();
    if bytes > MAX_TEXT {
        bail!("{} has {bytes} bytes; an item has at most {MAX_TEXT}", path.display());
    }
    let content = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    if sha256 != Some(hex::encode(Sha256::digest(&content)).as_str()) {
        bail!("{} was changed since the job was posted", path.display());
    }
    String::from_utf8(content).with_context(|| format!("{} is no text", path.display()))
}

fn size(path: &Path) -> Result<Option<Size>> {
    let mut file = BufReader::new(fs::File::open(path)?);
    let media = sniff(std::io::BufRead::fill_buf(&mut file)?);
    Ok(media.map(|media| picture_size(file, media)).transpose()?.flatten())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::job::result::empty;

    #[test]
    fn contents_are_taken_only_as_they_were_posted() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.txt");
        let contents = Contents::new(Some(folder.path().to_owned()), None, Needs::Content).unwrap();
        fs::write(&path, "text").unwrap();
        let kept: Kept =
            serde_json::from_value(serde_json::json!({ "name": "x.txt", "sha256": hex::encode(Sha256::digest("text")), "bytes": 4 }))
                .unwrap();
        let item = || {
            let mut item = empty(0);
            contents.add(&chain::Job::default(), ItemKind::Text, &mut item, Some(kept.clone())).map(|()| item)
        };
        assert_eq!(item().unwrap().text.as_deref(), Some("text"));
        fs::write(&path, "next").unwrap();
        assert!(item().unwrap_err().to_string().contains("changed"));
        fs::write(&path, "longer").unwrap();
        assert!(item().unwrap_err().to_string().contains("has 6 bytes"));
    }

    #[test]
    fn only_what_a_format_lacks_is_fetched() {
        let lacks = |needs, kind, item: &Item| Contents::new(None, None, needs).unwrap().lacks(kind, item);
        let mut item = empty(0);
        assert!(!lacks(Needs::Nothing, ItemKind::Image, &item) && lacks(Needs::Size, ItemKind::Image, &item));
        item.size = Some(Size { width: 1, height: 1 });
        assert!(!lacks(Needs::Size, ItemKind::Image, &item) && lacks(Needs::Content, ItemKind::Image, &item));
        assert!(lacks(Needs::Content, ItemKind::Text, &item));
        item.text = Some("kept in the record".into());
        assert!(!lacks(Needs::Content, ItemKind::Text, &item));
    }
}
