//! Writes an object in parts; it appears when it is finished and whole, or never.
use object_store::{MultipartUpload, ObjectStore, PutPayload, path::Path};

use super::Store;

/// An object being written. Dropped before [`Writer::finish`], it leaves nothing that can be read.
pub(crate) struct Writer {
    store: Store,
    path: Path,
    part: usize,
    buffer: Vec<u8>,
    written: u64,
    upload: Option<Box<dyn MultipartUpload>>,
}

impl Writer {
    pub(super) fn new(store: Store, path: Path, part: usize) -> Self {
        Self { store, path, part, buffer: Vec::new(), written: 0, upload: None }
    }
    /// Bytes pushed so far.
    pub(crate) fn written(&self) -> u64 {
        self.written
    }
    /// Appends bytes.
    pub(crate) async fn push(&mut self, mut bytes: &[u8]) -> object_store::Result<()> {
        self.written = self.written.saturating_add(bytes.len() as u64);
        while !bytes.is_empty() {
            let room = self.part.saturating_sub(self.buffer.len());
            let (now, later) = bytes.split_at_checked(room).unwrap_or((bytes, &[]));
            self.buffer.extend_from_slice(now);
            bytes = later;
            if self.buffer.len() >= self.part {
                self.flush().await?;
            }
        }
        Ok(())
    }
    async fn flush(&mut self) -> object_store::Result<()> {
        let payload = PutPayload::from(std::mem::take(&mut self.buffer));
        let upload = match &mut self.upload {
            Some(upload) => upload,
            none => none.insert(self.store.objects.put_multipart(&self.path).await?),
        };
        upload.put_part(payload).await
    }
    /// Makes the object appear; in a folder it survives a power cut from then on.
    pub(crate) async fn finish(mut self) -> object_store::Result<()> {
        if self.upload.is_some() && !self.buffer.is_empty() {
            self.flush().await?;
        }
        match &mut self.upload {
            Some(upload) => upload.complete().await.map(drop)?,
            None => self.store.objects.put(&self.path, PutPayload::from(std::mem::take(&mut self.buffer))).await.map(drop)?,
        }
        self.store.settle(&self.path).await
    }
    /// Gives up. A folder forgets parts by itself when a writer is dropped, a bucket when told.
    pub(crate) async fn abort(mut self) {
        if let Some(upload) = &mut self.upload
            && let Err(error) = upload.abort().await
        {
            tracing::warn!(%error, "an unfinished upload could not be taken back");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use object_store::GetOptions;

    use super::*;
    use crate::hash::Hash;

    async fn read(store: &Store, content: &Hash) -> Option<Vec<u8>> {
        match store.read_content(content, GetOptions::default()).await.unwrap() {
            Some(found) => Some(found.bytes().await.unwrap().to_vec()),
            None => None,
        }
    }

    #[tokio::test]
    async fn objects_appear_whole_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        for store in [Store::folder(folder.path()).unwrap(), Store::in_memory()] {
            for bytes in [0, 1, 999, 1_000, 1_001, 2_500] {
                let (hash, body) = (Hash([u8::try_from(bytes % 251).unwrap(); 32]), vec![7; bytes]);
                let mut writer = Writer::new(store.clone(), super::super::keys::content(&hash), 1_000);
                for chunk in body.chunks(300) {
                    writer.push(chunk).await.unwrap();
                }
                assert_eq!(read(&store, &hash).await, None, "{bytes}");
                writer.finish().await.unwrap();
                assert_eq!(read(&store, &hash).await, Some(body), "{bytes}");
            }
            let hash = Hash([0xff; 32]);
            let mut writer = Writer::new(store.clone(), super::super::keys::content(&hash), 10);
            writer.push(&[1; 25]).await.unwrap();
            writer.abort().await;
            assert_eq!(read(&store, &hash).await, None);
        }
    }

    #[tokio::test]
    async fn what_a_killed_process_left_is_never_listed_and_swept_in_the_end() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::folder(folder.path()).unwrap();
        let staged = folder.path().join("content/ab").join(format!("{}#1", "ab".repeat(32)));
        std::fs::create_dir_all(staged.parent().unwrap()).unwrap();
        std::fs::write(&staged, b"half").unwrap();
        use futures::StreamExt;
        assert!(store.contents().next().await.is_none());
        let now = SystemTime::now();
        assert_eq!(store.remove_staged(now).await.unwrap(), 0);
        assert!(staged.exists());
        assert_eq!(store.remove_staged(now + Duration::from_secs(90_000)).await.unwrap(), 1);
        assert!(!staged.exists());
    }
}
