//! Where content, manifests and the marks that say whose they are lie: a folder, or a bucket. The README gives the layout.
mod keys;
mod lock;
mod writer;

use std::{
    fs::File,
    io::ErrorKind,
    path::{Path as FsPath, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use cairn_kernel::Address;
use futures::{Stream, StreamExt, TryStreamExt, stream::BoxStream};
use object_store::{
    GetOptions, GetResult, ObjectMeta, ObjectStore, aws::AmazonS3Builder, local::LocalFileSystem, path::Path, prefix::PrefixStore,
};
pub(crate) use writer::Writer;

use self::lock::Lock;
pub(crate) use self::{keys::ManifestKey, lock::Guard};
use crate::{config::Config, hash::Hash, refusal::Refusal};

/// Parts of an upload to a folder.
const FOLDER_PART: usize = 1 << 20;
/// Parts of an upload to a bucket; S3 takes no smaller ones.
const BUCKET_PART: usize = 5 << 20;
/// A half-written file that is older was left by a process that was killed.
const STAGED_AGE: Duration = Duration::from_secs(86_400);

/// A folder or a bucket. Objects appear whole or not at all, and in a folder survive a power cut once written.
#[derive(Clone)]
pub(crate) struct Store {
    objects: Arc<dyn ObjectStore>,
    folder: Option<Arc<Folder>>,
    lock: Arc<Lock>,
}

struct Folder {
    files: LocalFileSystem,
    root: PathBuf,
}

/// A mark that an account uploaded a content which belongs to no manifest on the chain yet.
#[derive(Debug, Clone)]
pub(crate) struct Upload {
    pub(crate) account: Address,
    pub(crate) content: Hash,
    pub(crate) bytes: u64,
    /// When it was last uploaded.
    pub(crate) at: SystemTime,
}

/// A part of a manifest that lies in the store.
#[derive(Debug, Clone)]
pub(crate) struct Part {
    pub(crate) key: ManifestKey,
    pub(crate) kind: PartKind,
    pub(crate) bytes: u64,
    pub(crate) at: SystemTime,
}

/// What a manifest consists of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PartKind {
    /// The listing that its uploader gets back, as JSON lines.
    Items,
    /// What the gateway serves by. A manifest is there if and only if this is.
    Index,
    /// Which job or asset on the chain names it.
    Anchor,
}

impl Store {
    /// Opens what the configuration names; a folder is made if it is not there.
    pub(crate) fn open(config: &Config) -> Result<Self> {
        match config.store.split_once("://") {
            Some(("s3", place)) => Self::bucket(config, place),
            Some((scheme, _)) => bail!("store: expected a folder or s3://bucket/prefix, found a {scheme} URL"),
            None => Self::folder(FsPath::new(&config.store)),
        }
    }
    fn folder(root: &FsPath) -> Result<Self> {
        let named = || format!("store: cannot use the folder {}", root.display());
        std::fs::create_dir_all(root).with_context(named)?;
        let root = root.canonicalize().with_context(named)?;
        let lock = Lock::file(root.join("lock")).with_context(named)?;
        let open = || LocalFileSystem::new_with_prefix(&root).with_context(named);
        let (objects, files) = (Arc::new(open()?), open()?);
        Ok(Self { objects, folder: Some(Arc::new(Folder { files, root })), lock: Arc::new(lock) })
    }
    fn bucket(config: &Config, place: &str) -> Result<Self> {
        let (bucket, prefix) = place.split_once('/').unwrap_or((place, ""));
        let mut builder = AmazonS3Builder::from_env().with_bucket_name(bucket);
        if !config.s3.region.is_empty() {
            builder = builder.with_region(&config.s3.region);
        }
        if !config.s3.endpoint.is_empty() {
            builder = builder.with_endpoint(&config.s3.endpoint);
        }
        if config.s3.allow_http {
            builder = builder.with_allow_http(true);
        }
        let s3 = builder.build().with_context(|| format!("store: cannot use s3://{place}"))?;
        Ok(Self::remote(Arc::new(PrefixStore::new(s3, prefix))))
    }
    fn remote(objects: Arc<dyn ObjectStore>) -> Self {
        Self { objects, folder: None, lock: Arc::new(Lock::process()) }
    }
    /// A bucket in memory.
    #[cfg(test)]
    pub(crate) fn in_memory() -> Self {
        Self::remote(Arc::new(object_store::memory::InMemory::new()))
    }
    /// Whether other processes on this machine are kept from collecting at the wrong moment.
    pub(crate) fn is_folder(&self) -> bool {
        self.folder.is_some()
    }
    /// Fails if the store cannot be written and read.
    pub(crate) async fn probe(&self) -> object_store::Result<()> {
        let path = Path::from(keys::PROBE);
        self.objects.put(&path, Bytes::from_static(b"cairn").into()).await?;
        self.objects.get(&path).await?.bytes().await.map(drop)
    }
    /// Held while something becomes referenced: nothing is collected meanwhile.
    pub(crate) async fn referencing(&self) -> Result<Guard, Refusal> {
        self.lock.shared().await
    }
    /// Held while something is removed: nothing becomes referenced meanwhile.
    pub(crate) async fn collecting(&self) -> Result<Guard, Refusal> {
        self.lock.exclusive().await
    }

    /// Starts to write an object that appears when it is whole.
    fn writer(&self, path: Path) -> Writer {
        let part = if self.is_folder() { FOLDER_PART } else { BUCKET_PART };
        Writer::new(self.clone(), path, part)
    }
    /// Starts to write a content.
    pub(crate) fn write_content(&self, content: &Hash) -> Writer {
        self.writer(keys::content(content))
    }
    /// Starts to write a part of a manifest.
    pub(crate) fn write_part(&self, key: &ManifestKey, kind: PartKind) -> Writer {
        self.writer(keys::part(key, kind))
    }
    /// The size of a content; `None` where it is not there.
    pub(crate) async fn content_bytes(&self, content: &Hash) -> object_store::Result<Option<u64>> {
        Ok(if_there(self.objects.head(&keys::content(content)).await)?.map(|meta| meta.size))
    }
    /// A content or a range of it; `None` where it is not there.
    pub(crate) async fn read_content(&self, content: &Hash, options: GetOptions) -> object_store::Result<Option<GetResult>> {
        if_there(self.objects.get_opts(&keys::content(content), options).await)
    }
    /// A part of a manifest or a range of it; `None` where it is not there.
    pub(crate) async fn read_part(
        &self,
        key: &ManifestKey,
        kind: PartKind,
        options: GetOptions,
    ) -> object_store::Result<Option<GetResult>> {
        if_there(self.objects.get_opts(&keys::part(key, kind), options).await)
    }
    /// Whether a part of a manifest is there.
    pub(crate) async fn has_part(&self, key: &ManifestKey, kind: PartKind) -> object_store::Result<bool> {
        Ok(if_there(self.objects.head(&keys::part(key, kind)).await)?.is_some())
    }

    /// Marks that `account` holds a content: it uploaded it, so that it may list it in manifests. Says whether the mark is new.
    pub(crate) async fn mark(&self, account: &Address, content: &Hash, bytes: u64) -> object_store::Result<bool> {
        let path = keys::upload(account, content, bytes);
        let new = if_there(self.objects.head(&path).await)?.is_none();
        self.objects.put(&path, Bytes::new().into()).await?;
        Ok(new)
    }
    /// Whether `account` uploaded a content that belongs to no manifest on the chain yet.
    pub(crate) async fn is_marked(&self, account: &Address, content: &Hash, bytes: u64) -> object_store::Result<bool> {
        Ok(if_there(self.objects.head(&keys::upload(account, content, bytes)).await)?.is_some())
    }
    /// The uploads of one account, or of all, that belong to no manifest on the chain yet.
    pub(crate) fn uploads(&self, account: Option<&Address>) -> BoxStream<'static, object_store::Result<Upload>> {
        let prefix = keys::uploads(account);
        parsed(self.objects.list(Some(&prefix)), |meta| {
            let (account, content, bytes) = keys::parse_upload(&meta.location)?;
            Some(Upload { account, content, bytes, at: meta.last_modified.into() })
        })
    }
    /// Takes marks away.
    pub(crate) async fn unmark(&self, uploads: Vec<(Address, Hash, u64)>) -> object_store::Result<()> {
        self.remove(uploads.into_iter().map(|(account, content, bytes)| keys::upload(&account, &content, bytes)).collect()).await
    }

    /// The parts of the manifests with one root, or of all.
    pub(crate) fn parts(&self, root: Option<&Hash>) -> BoxStream<'static, object_store::Result<Part>> {
        let prefix = keys::manifests(root);
        parsed(self.objects.list(Some(&prefix)), |meta| {
            let (key, kind) = keys::parse_part(&meta.location)?;
            Some(Part { key, kind, bytes: meta.size, at: meta.last_modified.into() })
        })
    }
    /// Notes that an account has a manifest, so that its manifests are found by account.
    pub(crate) async fn own(&self, key: &ManifestKey) -> object_store::Result<()> {
        self.objects.put(&keys::owned(key), Bytes::new().into()).await.map(drop)
    }
    /// The roots of the manifests that an account has, in no order; an entry may be left of a manifest that is gone.
    pub(crate) fn roots(&self, account: &Address) -> BoxStream<'static, object_store::Result<Hash>> {
        let prefix = keys::owned_by(account);
        parsed(self.objects.list(Some(&prefix)), |meta| keys::parse_owned(&meta.location))
    }
    /// Notes which job or asset on the chain names a manifest.
    pub(crate) async fn anchor(&self, key: &ManifestKey, by: &str) -> object_store::Result<()> {
        self.objects.put(&keys::part(key, PartKind::Anchor), Bytes::from(by.to_owned()).into()).await.map(drop)
    }
    /// Notes what on the chain names a content of `account` by its own hash, a draft or a job's inputs: from now on it stays.
    pub(crate) async fn anchor_alone(&self, account: &Address, content: &Hash, by: &str) -> object_store::Result<()> {
        self.objects.put(&keys::draft(account, content), Bytes::from(by.to_owned()).into()).await.map(drop)
    }
    /// Whether a content is known to be a draft or the inputs of a job of `account` on the chain.
    pub(crate) async fn is_alone(&self, account: &Address, content: &Hash) -> object_store::Result<bool> {
        Ok(if_there(self.objects.head(&keys::draft(account, content)).await)?.is_some())
    }
    /// The contents that are known to be drafts or inputs of one account, or of all, on the chain.
    pub(crate) fn alone(&self, account: Option<&Address>) -> BoxStream<'static, object_store::Result<(Address, Hash)>> {
        let prefix = keys::drafts(account);
        parsed(self.objects.list(Some(&prefix)), |meta| keys::parse_draft(&meta.location))
    }
    /// Removes a manifest, first what makes it one.
    pub(crate) async fn remove_manifest(&self, key: &ManifestKey) -> object_store::Result<()> {
        for path in [keys::part(key, PartKind::Index), keys::part(key, PartKind::Items), keys::owned(key)] {
            if_there(self.objects.delete(&path).await)?;
        }
        Ok(())
    }

    /// Every content with its size and when it was written.
    pub(crate) fn contents(&self) -> BoxStream<'static, object_store::Result<(Hash, u64, SystemTime)>> {
        parsed(self.objects.list(Some(&keys::contents())), |meta| {
            Some((keys::parse_content(&meta.location)?, meta.size, meta.last_modified.into()))
        })
    }
    /// Removes contents.
    pub(crate) async fn remove_contents(&self, contents: &[Hash]) -> object_store::Result<()> {
        self.remove(contents.iter().map(keys::content).collect()).await
    }
    async fn remove(&self, paths: Vec<Path>) -> object_store::Result<()> {
        let paths = futures::stream::iter(paths.into_iter().map(Ok)).boxed();
        let mut removed = self.objects.delete_stream(paths);
        while let Some(done) = removed.next().await {
            if_there(done)?;
        }
        Ok(())
    }
    /// Removes what killed processes left half-written in a folder; a bucket's own rules do so there. Says how many files it were.
    pub(crate) async fn remove_staged(&self, now: SystemTime) -> Result<u64> {
        let Some(folder) = self.folder.clone() else { return Ok(0) };
        let swept = tokio::task::spawn_blocking(move || sweep(&folder.root, now, 0)).await;
        swept.context("sweeping was interrupted")?.context("cannot sweep the store")
    }
    /// Returns once an object that was just written survives a power cut.
    async fn settle(&self, path: &Path) -> object_store::Result<()> {
        let Some(folder) = &self.folder else { return Ok(()) };
        let file = folder.files.path_to_filesystem(path)?;
        let synced = tokio::task::spawn_blocking(move || {
            File::open(&file)?.sync_all()?;
            file.parent().map_or(Ok(()), |parent| File::open(parent)?.sync_all())
        });
        let failed = |source: Box<dyn std::error::Error + Send + Sync>| object_store::Error::Generic { store: "folder", source };
        synced.await.map_err(|e| failed(e.into()))?.map_err(|e| failed(e.into()))
    }
}

/// Deletes files whose name holds `#`, which is how the folder names unfinished ones.
fn sweep(folder: &FsPath, now: SystemTime, depth: usize) -> std::io::Result<u64> {
    let mut swept: u64 = 0;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() && depth < 4 {
            swept = swept.saturating_add(sweep(&entry.path(), now, depth.saturating_add(1))?);
        } else if kind.is_file() && entry.file_name().to_string_lossy().contains('#') {
            let gone = |e: std::io::Error| if e.kind() == ErrorKind::NotFound { Ok(()) } else { Err(e) };
            let old = entry.metadata().and_then(|m| m.modified()).is_ok_and(|at| now.duration_since(at).is_ok_and(|age| age > STAGED_AGE));
            if old {
                std::fs::remove_file(entry.path()).or_else(gone)?;
                swept = swept.saturating_add(1);
            }
        }
    }
    Ok(swept)
}

/// What an object store's answer holds, where "not there" is an answer too.
fn if_there<T>(found: object_store::Result<T>) -> object_store::Result<Option<T>> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(object_store::Error::NotFound { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Objects by what their keys say; keys that say nothing were put there by somebody else and are left alone.
fn parsed<T: Send + 'static>(
    listed: impl Stream<Item = object_store::Result<ObjectMeta>> + Send + 'static,
    parse: impl Fn(&ObjectMeta) -> Option<T> + Send + 'static,
) -> BoxStream<'static, object_store::Result<T>> {
    listed.try_filter_map(move |meta| std::future::ready(Ok(parse(&meta)))).boxed()
}
