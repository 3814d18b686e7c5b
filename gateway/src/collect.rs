//! Removes what nothing on the chain names once it is old, and never what something names.
//!
//! A manifest that a job or a version names is *anchored* and stays for ever, with its contents. One that is not is asked of the chain when
//! it is old, and removed if the chain does not name it either. So are drafts and inputs of computations, which are uploaded alone. A content goes when it is old, neither
//! listed by a manifest nor one of these, and no account uploaded it lately. Whatever is removed is checked once more under a lock that keeps anything from becoming referenced meanwhile.
use std::{
    collections::{BTreeSet, HashMap, HashSet},
    time::{Duration, SystemTime},
};

use anyhow::{Context, Result};
use cairn_kernel::Address;
use futures::TryStreamExt;

use crate::{
    gateway::Gateway,
    hash::Hash,
    refusal::Refusal,
    store::{ManifestKey, Part, PartKind, Upload},
};

/// Contents removed under one hold of the lock.
const BATCH: usize = 4_096;

/// What was removed, or would be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Report {
    /// Manifests that the chain does not name.
    pub manifests: u64,
    /// Contents that no manifest lists.
    pub contents: u64,
    /// Their size.
    pub bytes: u64,
    /// Half-written files of killed processes.
    pub staged: u64,
}

/// What is known of one manifest.
#[derive(Debug, Clone, Copy)]
struct Seen {
    index: bool,
    anchored: bool,
    newest: SystemTime,
}

type Manifests = HashMap<ManifestKey, Seen>;
type Marks = HashMap<(Address, Hash), Upload>;

impl Gateway {
    /// Whether collecting may run in a process of its own beside the gateway.
    #[must_use]
    pub fn collects_beside(&self) -> bool {
        self.store.is_folder()
    }
    /// Removes what is older than the configured age at `now` and not referenced; with `dry` it only counts.
    ///
    /// # Errors
    /// If the store or the node fails. What was removed until then was garbage; nothing is left half-removed that is still served.
    pub async fn collect(&self, now: SystemTime, dry: bool) -> Result<Report> {
        let run = Run { gateway: self, now, after: self.config.collect.after, dry };
        let report = run.all().await?;
        self.metrics.collected(report.contents);
        self.quotas.load(&self.store).await?;
        Ok(report)
    }
}

/// Finds out which manifests of an account are referenced by now, so that they and their contents no longer count against its quota.
pub(crate) async fn reckon(gateway: &Gateway, account: &Address) -> Result<()> {
    let roots: Vec<Hash> = gateway.store.roots(account).try_collect().await?;
    let mut loose = HashSet::new();
    let mut anchored = Vec::new();
    for root in roots {
        let key = ManifestKey { root, account: *account };
        if gateway.store.has_part(&key, PartKind::Anchor).await? {
            anchored.push(key);
        } else {
            loose.insert(key);
        }
    }
    let before = loose.clone();
    anchor(gateway, &mut loose, Some(account), false).await?;
    anchored.extend(before.difference(&loose));
    let mut marks = marks(gateway, Some(account)).await?;
    let mut released = Vec::new();
    let unknown = marks.keys().copied().collect();
    for named in alone(gateway, Some(account), unknown, false).await? {
        released.extend(marks.remove(&named).map(|mark| (mark.account, mark.content, mark.bytes)));
    }
    for key in &anchored {
        if marks.is_empty() {
            break;
        }
        each_content(gateway, key, |content| {
            released.extend(marks.remove(&(*account, content)).map(|mark| (mark.account, mark.content, mark.bytes)));
        })
        .await?;
    }
    gateway.store.unmark(released).await?;
    gateway.quotas.load(&gateway.store).await?;
    Ok(())
}

/// Asks the chain which of `loose` it names, anchors these and takes them out.
async fn anchor(gateway: &Gateway, loose: &mut HashSet<ManifestKey>, only: Option<&Address>, dry: bool) -> Result<()> {
    let mut named = gateway.chain.named(only);
    while !loose.is_empty()
        && let Some(named) = named.next().await?
    {
        let Ok(root) = named.root.try_into().map(Hash) else { continue };
        if !loose.iter().any(|key| key.root == root) {
            continue;
        }
        let _guard = gateway.store.referencing().await?;
        if let Some(key) = gateway.manifests.choose(&root, &named.owner).await?
            && loose.remove(&key)
            && !dry
        {
            gateway.store.anchor(&key, &named.by).await?;
        }
    }
    Ok(())
}

/// The uploads among `asked` that are drafts or inputs of computations on the chain, with all that were known to be before. Those that are new are anchored.
async fn alone(
    gateway: &Gateway,
    only: Option<&Address>,
    mut asked: HashSet<(Address, Hash)>,
    dry: bool,
) -> Result<HashSet<(Address, Hash)>> {
    let mut known: HashSet<(Address, Hash)> = gateway.store.alone(only).try_collect().await?;
    asked.retain(|upload| !known.contains(upload));
    let mut found = drafts(gateway, only, &mut asked).await?;
    found.extend(inputs(gateway, &mut asked).await?);
    for ((account, content), by) in found {
        if !dry {
            let _guard = gateway.store.referencing().await?;
            gateway.store.anchor_alone(&account, &content, &by).await?;
        }
        known.insert((account, content));
    }
    Ok(known)
}

/// Uploads, and what on the chain names each.
type Found = Vec<((Address, Hash), String)>;

/// Takes those out of `asked` that are drafts on the chain.
async fn drafts(gateway: &Gateway, only: Option<&Address>, asked: &mut HashSet<(Address, Hash)>) -> Result<Found> {
    let mut named = Vec::new();
    let jobs = if asked.is_empty() { BTreeSet::new() } else { gateway.chain.producing(only).await? };
    for job in jobs {
        let mut from = Some(0);
        while let Some(task) = from
            && !asked.is_empty()
        {
            let (drafts, next) = gateway.chain.drafts(job, task).await?;
            for draft in drafts {
                let (Ok(account), Ok(content)) = (Address::parse(&draft.producer), draft.payload.try_into()) else { continue };
                let upload = (account, Hash(content));
                if asked.remove(&upload) {
                    named.push((upload, format!("job {job} task {}", draft.task)));
                }
            }
            from = next;
        }
    }
    Ok(named)
}

/// Takes those out of `asked` that are inputs of computations on the chain.
async fn inputs(gateway: &Gateway, asked: &mut HashSet<(Address, Hash)>) -> Result<Found> {
    let (mut named, mut next) = (Vec::new(), Some(Vec::new()));
    while let Some(key) = next
        && !asked.is_empty()
    {
        let (jobs, after) = gateway.chain.inputs(key).await?;
        for (requester, content, job) in jobs {
            let Ok(account) = Address::parse(&requester) else { continue };
            if asked.remove(&(account, content)) {
                named.push(((account, content), format!("compute job {job}")));
            }
        }
        next = after;
    }
    Ok(named)
}

async fn marks(gateway: &Gateway, account: Option<&Address>) -> Result<Marks> {
    let uploads = gateway.store.uploads(account).map_ok(|upload| ((upload.account, upload.content), upload));
    Ok(uploads.try_collect().await?)
}

async fn each_content(gateway: &Gateway, key: &ManifestKey, mut visit: impl FnMut(Hash)) -> Result<(), Refusal> {
    let Some(frame) = gateway.manifests.frame(key).await? else { return Ok(()) };
    let mut chunks = std::pin::pin!(gateway.manifests.chunks(key, &frame));
    while let Some(items) = chunks.try_next().await? {
        items.into_iter().for_each(|item| visit(Hash(item.content)));
    }
    Ok(())
}

struct Run<'a> {
    gateway: &'a Gateway,
    now: SystemTime,
    after: Duration,
    dry: bool,
}

impl Run<'_> {
    async fn all(&self) -> Result<Report> {
        let mut report = Report::default();
        let mut manifests = self.manifests(None).await?;
        for key in self.expired(&manifests).await? {
            if self.dry || self.remove_manifest(&key).await? {
                manifests.remove(&key);
                report.manifests = report.manifests.saturating_add(1);
            }
        }
        let garbage = self.garbage(&manifests).await?;
        for batch in garbage.chunks(BATCH) {
            for (_, bytes) in self.remove_contents(batch, &manifests).await? {
                report.contents = report.contents.saturating_add(1);
                report.bytes = report.bytes.saturating_add(bytes);
            }
        }
        if !self.dry {
            report.staged = self.gateway.store.remove_staged(self.now).await?;
        }
        Ok(report)
    }
    fn is_old(&self, at: SystemTime) -> bool {
        self.now.duration_since(at).is_ok_and(|age| age > self.after)
    }
    async fn manifests(&self, root: Option<&Hash>) -> Result<Manifests> {
        let mut seen = Manifests::new();
        let mut parts = self.gateway.store.parts(root);
        while let Some(Part { key, kind, at, .. }) = parts.try_next().await? {
            let one = seen.entry(key).or_insert(Seen { index: false, anchored: false, newest: at });
            one.index |= kind == PartKind::Index;
            one.anchored |= kind == PartKind::Anchor;
            one.newest = one.newest.max(at);
        }
        Ok(seen)
    }
    /// Old manifests that the chain does not name, and what is left of unfinished ones.
    async fn expired(&self, manifests: &Manifests) -> Result<Vec<ManifestKey>> {
        let old = manifests.iter().filter(|(_, seen)| !seen.anchored && self.is_old(seen.newest));
        let (mut whole, rest): (HashSet<_>, HashSet<_>) =
            old.map(|(key, _)| *key).partition(|key| manifests.get(key).is_some_and(|s| s.index));
        let asked = anchor(self.gateway, &mut whole, None, self.dry).await;
        asked.context("the chain must say which manifests it names; nothing was removed")?;
        Ok(whole.into_iter().chain(rest).collect())
    }
    async fn remove_manifest(&self, key: &ManifestKey) -> Result<bool> {
        let _guard = self.gateway.store.collecting().await?;
        let now = self.manifests(Some(&key.root)).await?;
        let expired = now.get(key).is_some_and(|seen| !seen.anchored && self.is_old(seen.newest));
        if expired {
            self.gateway.store.remove_manifest(key).await?;
            self.gateway.manifests.forget(key);
        }
        Ok(expired)
    }
    /// Old contents that no manifest lists and nobody uploaded lately. Takes marks away that say nothing any more.
    async fn garbage(&self, manifests: &Manifests) -> Result<Vec<(Hash, u64)>> {
        let mut old = HashMap::new();
        let mut contents = self.gateway.store.contents();
        while let Some((content, bytes, at)) = contents.try_next().await? {
            if self.is_old(at) {
                old.insert(content, bytes);
            }
        }
        let marks = marks(self.gateway, None).await?;
        let mut waiting: HashSet<(Address, Hash)> = HashSet::new();
        let mut released: HashSet<(Address, Hash)> = HashSet::new();
        for (key, seen) in manifests {
            each_content(self.gateway, key, |content| {
                old.remove(&content);
                let mark = (key.account, content);
                if marks.contains_key(&mark) {
                    if seen.anchored { &mut released } else { &mut waiting }.insert(mark);
                }
            })
            .await?;
        }
        let old_marks =
            marks.iter().filter(|(mark, upload)| self.is_old(upload.at) && !waiting.contains(*mark) && !released.contains(*mark));
        let asked = old_marks.map(|(mark, _)| *mark).collect();
        let named = alone(self.gateway, None, asked, self.dry).await;
        for upload in named.context("the chain must say what is a draft or a job's inputs; no content was removed")? {
            old.remove(&upload.1);
            released.insert(upload);
        }
        let mut spent = Vec::new();
        for (mark, upload) in marks {
            if released.contains(&mark) || (self.is_old(upload.at) && !waiting.contains(&mark)) {
                spent.push(upload);
            } else {
                old.remove(&upload.content);
            }
        }
        self.unmark(spent).await?;
        Ok(old.into_iter().collect())
    }
    /// Takes marks away that were not renewed meanwhile.
    async fn unmark(&self, spent: Vec<Upload>) -> Result<()> {
        if self.dry || spent.is_empty() {
            return Ok(());
        }
        let _guard = self.gateway.store.collecting().await?;
        let now = marks(self.gateway, None).await?;
        let same = |mark: &Upload| now.get(&(mark.account, mark.content)).is_some_and(|found| found.at == mark.at);
        let spent = spent.into_iter().filter(same).map(|mark| (mark.account, mark.content, mark.bytes)).collect();
        Ok(self.gateway.store.unmark(spent).await?)
    }
    /// Removes those of `batch` that are still garbage.
    async fn remove_contents(&self, batch: &[(Hash, u64)], known: &Manifests) -> Result<Vec<(Hash, u64)>> {
        if self.dry {
            return Ok(batch.to_vec());
        }
        let _guard = self.gateway.store.collecting().await?;
        let mut batch: HashMap<Hash, u64> = batch.iter().copied().collect();
        let new = self.manifests(None).await?.into_keys().filter(|key| !known.contains_key(key));
        for key in new.collect::<Vec<_>>() {
            each_content(self.gateway, &key, |content| {
                batch.remove(&content);
            })
            .await?;
        }
        for upload in marks(self.gateway, None).await?.into_values().filter(|upload| !self.is_old(upload.at)) {
            batch.remove(&upload.content);
        }
        let mut alone = self.gateway.store.alone(None);
        while let Some((_, content)) = alone.try_next().await? {
            batch.remove(&content);
        }
        let batch: Vec<(Hash, u64)> = batch.into_iter().collect();
        let contents: Vec<Hash> = batch.iter().map(|(content, _)| *content).collect();
        self.gateway.store.remove_contents(&contents).await?;
        Ok(batch)
    }
}
