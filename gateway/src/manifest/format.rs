//! The leaves of a manifest, and the index by which the gateway finds an item and its proof without reading the rest.
//!
//! Index: magic (16 bytes) | u64 items | u64 bytes | items * record | chunk roots (32 bytes each) | media types (u8 length, ASCII each).
//! Record: SHA-256 (32 bytes) | u64 bytes | blind (32 bytes) | u16 media type. Integers are big-endian. A chunk is 1,024 leaves: the root over
//! the roots of aligned chunks of a power of two is the RFC 6962 root over the leaves, and so are the paths.
use cairn_kernel::{
    merkle::{self, Hash},
    tag,
};

/// Leaves of a chunk.
pub(crate) const CHUNK: usize = 1_024;
/// Bytes of a record.
pub(crate) const RECORD: usize = 74;
/// Bytes before the records.
pub(crate) const HEAD: usize = 32;
/// Most different media types in one manifest.
pub(crate) const MAX_MEDIA_TYPES: usize = 256;

const MAGIC: [u8; 16] = *b"cairn.manifest.1";

/// One item of a manifest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Item {
    /// SHA-256 of the content.
    pub(crate) content: Hash,
    /// Size of the content.
    pub(crate) bytes: u64,
    /// Hides the content's hash in the leaf; zeros for public content.
    pub(crate) blind: Hash,
    /// Which of the manifest's media types.
    pub(crate) media_type: u16,
}

impl Item {
    /// The hash of the item's leaf: SHA-256(0x00 | tag "cairn.item.v1" | u32 index | SHA-256 of the content | u64 bytes | blind).
    pub(crate) fn leaf(&self, index: u32) -> Hash {
        let mut leaf = Vec::with_capacity(92);
        leaf.extend(tag("cairn.item.v1"));
        leaf.extend(index.to_be_bytes());
        leaf.extend(self.content);
        leaf.extend(self.bytes.to_be_bytes());
        leaf.extend(self.blind);
        merkle::leaf_hash(&leaf)
    }
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend(self.content);
        out.extend(self.bytes.to_be_bytes());
        out.extend(self.blind);
        out.extend(self.media_type.to_be_bytes());
    }
    /// From a record; `None` for another number of bytes.
    pub(crate) fn decode(record: &[u8]) -> Option<Self> {
        let (content, rest) = record.split_first_chunk()?;
        let (bytes, rest) = rest.split_first_chunk()?;
        let (blind, rest) = rest.split_first_chunk()?;
        let media_type = u16::from_be_bytes(rest.try_into().ok()?);
        Some(Self { content: *content, bytes: u64::from_be_bytes(*bytes), blind: *blind, media_type })
    }
}

/// What of an index is kept in memory.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    /// Number of items.
    pub(crate) items: u64,
    /// Size of all contents together.
    pub(crate) bytes: u64,
    /// The roots of the chunks.
    pub(crate) chunks: Vec<Hash>,
    /// The media types that records name by number.
    pub(crate) media_types: Vec<String>,
}

impl Frame {
    /// The number of items, from the first bytes of an index.
    pub(crate) fn read_items(head: &[u8]) -> Option<(u64, u64)> {
        let (magic, rest) = head.split_first_chunk::<16>()?;
        let (items, rest) = rest.split_first_chunk()?;
        let bytes = rest.try_into().ok()?;
        let items = u64::from_be_bytes(*items);
        (*magic == MAGIC && items <= u64::from(u32::MAX)).then(|| (items, u64::from_be_bytes(bytes)))
    }
    /// Where the records end.
    pub(crate) fn tail(items: u64) -> Option<u64> {
        items.checked_mul(RECORD as u64)?.checked_add(HEAD as u64)
    }
    /// From what stands before and after the records.
    pub(crate) fn decode(items: u64, bytes: u64, tail: &[u8]) -> Option<Self> {
        let chunks = usize::try_from(items).ok()?.div_ceil(CHUNK);
        let (roots, mut rest) = tail.split_at_checked(chunks.checked_mul(32)?)?;
        let (roots, _) = roots.as_chunks::<32>();
        let mut media_types = Vec::new();
        while let Some((length, after)) = rest.split_first() {
            let (text, after) = after.split_at_checked(usize::from(*length))?;
            media_types.push(std::str::from_utf8(text).ok()?.to_owned());
            rest = after;
        }
        Some(Self { items, bytes, chunks: roots.to_vec(), media_types })
    }
    /// The media type of an item.
    pub(crate) fn media_type(&self, item: &Item) -> Option<&str> {
        self.media_types.get(usize::from(item.media_type)).map(String::as_str)
    }
}

/// An index in the making.
#[derive(Debug, Default)]
pub(crate) struct Builder {
    records: Vec<u8>,
    items: u32,
    bytes: u64,
    leaves: Vec<Hash>,
    chunks: Vec<Hash>,
    media_types: Vec<String>,
}

impl Builder {
    /// Items so far.
    pub(crate) fn items(&self) -> u64 {
        u64::from(self.items)
    }
    /// The number of a media type; `None` where there are too many.
    pub(crate) fn media_type(&mut self, text: &str) -> Option<u16> {
        let known = self.media_types.iter().position(|known| known == text);
        let at = match known {
            Some(at) => at,
            None if self.media_types.len() < MAX_MEDIA_TYPES => {
                self.media_types.push(text.to_owned());
                self.media_types.len().checked_sub(1)?
            }
            None => return None,
        };
        u16::try_from(at).ok()
    }
    /// Appends an item; `None` where the numbers end.
    pub(crate) fn push(&mut self, item: &Item) -> Option<()> {
        self.leaves.push(item.leaf(self.items));
        item.encode(&mut self.records);
        self.items = self.items.checked_add(1)?;
        self.bytes = self.bytes.checked_add(item.bytes)?;
        if self.leaves.len() == CHUNK {
            self.close_chunk();
        }
        Some(())
    }
    fn close_chunk(&mut self) {
        self.chunks.push(merkle::root(&self.leaves));
        self.leaves.clear();
    }
    /// The root over all items.
    pub(crate) fn root(&mut self) -> Hash {
        if !self.leaves.is_empty() {
            self.close_chunk();
        }
        merkle::root(&self.chunks)
    }
    /// The items pushed so far.
    pub(crate) fn entries(&self) -> impl Iterator<Item = Item> + '_ {
        self.records.chunks_exact(RECORD).filter_map(Item::decode)
    }
    /// The parts of the index, in order. To be called after [`Builder::root`].
    pub(crate) fn index(self) -> [Vec<u8>; 3] {
        let mut head = MAGIC.to_vec();
        head.extend(u64::from(self.items).to_be_bytes());
        head.extend(self.bytes.to_be_bytes());
        let mut tail = self.chunks.concat();
        for text in &self.media_types {
            // Media types have at most 128 bytes (`parse`).
            tail.push(u8::try_from(text.len()).unwrap_or(u8::MAX));
            tail.extend(text.as_bytes());
        }
        [head, self.records, tail]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(n: u64) -> Item {
        Item { content: merkle::leaf_hash(&n.to_be_bytes()), bytes: n, blind: [u8::try_from(n % 7).unwrap(); 32], media_type: 0 }
    }

    #[test]
    fn chunks_have_the_root_and_the_paths_of_the_plain_tree() {
        for n in [1_usize, 2, 1_023, 1_024, 1_025, 2_048, 2_049, 3_500] {
            let mut builder = Builder::default();
            (0..n as u64).for_each(|i| builder.push(&item(i)).unwrap());
            let leaves: Vec<Hash> = (0..n as u64).map(|i| item(i).leaf(u32::try_from(i).unwrap())).collect();
            let root = builder.root();
            assert_eq!(root, merkle::root(&leaves), "{n}");
            assert_eq!(builder.entries().count(), n);
            for index in [0, n / 2, n - 1] {
                let chunk = index / CHUNK;
                let in_chunk = &leaves[chunk * CHUNK..leaves.len().min((chunk + 1) * CHUNK)];
                let mut path = merkle::path(in_chunk, index % CHUNK).unwrap();
                path.extend(merkle::path(&builder.chunks, chunk).unwrap());
                assert_eq!(Some(path), merkle::path(&leaves, index), "{index} of {n}");
            }
        }
    }

    #[test]
    fn the_leaf_is_that_of_the_chain() {
        let item = Item { content: [1; 32], bytes: 258, blind: [2; 32], media_type: 9 };
        let mut leaf = b"cairn.item.v1\0\0\0".to_vec();
        leaf.extend([0, 0, 0, 5]);
        leaf.extend([1; 32]);
        leaf.extend([0, 0, 0, 0, 0, 0, 1, 2]);
        leaf.extend([2; 32]);
        assert_eq!(item.leaf(5), merkle::leaf_hash(&leaf));
        assert_eq!(item.leaf(5), cairn_annotation::formats::item_leaf(5, &[1; 32], 258, &[2; 32]));
    }

    #[test]
    fn an_index_is_read_back_and_nothing_else_is() {
        let mut builder = Builder::default();
        assert_eq!(builder.media_type("image/png"), Some(0));
        assert_eq!(builder.media_type("text/plain"), Some(1));
        assert_eq!(builder.media_type("image/png"), Some(0));
        (0..1_500).for_each(|i| builder.push(&item(i)).unwrap());
        builder.root();
        let chunks = builder.chunks.clone();
        let [head, records, tail] = builder.index();
        let (items, bytes) = Frame::read_items(&head).unwrap();
        assert_eq!((items, bytes), (1_500, 1_499 * 750));
        assert_eq!(Frame::tail(items), Some((head.len() + records.len()) as u64));
        let frame = Frame::decode(items, bytes, &tail).unwrap();
        assert_eq!(frame, Frame { items, bytes, chunks, media_types: vec!["image/png".to_owned(), "text/plain".to_owned()] });
        assert_eq!(Item::decode(&records[RECORD * 7..RECORD * 8]), Some(item(7)));
        assert!(Frame::read_items(&head[1..]).is_none() && Frame::read_items(&[0; 32]).is_none());
        assert!(Frame::decode(items, bytes, &tail[..tail.len() - 1]).is_none() && Frame::decode(items, bytes, &tail[..63]).is_none());
        assert!(Item::decode(&[0; 73]).is_none() && Item::decode(&[0; 75]).is_none());
    }

    #[test]
    fn media_types_are_bounded() {
        let mut builder = Builder::default();
        for n in 0..MAX_MEDIA_TYPES {
            assert!(builder.media_type(&format!("a/{n}")).is_some());
        }
        assert!(builder.media_type("a/more").is_none());
        assert!(builder.media_type("a/0").is_some());
    }
}
