//! Typed state over the context: [`Item`], [`Map`], [`Set`] and [`Sequence`].
use std::marker::PhantomData;

use prost::Message;

use crate::{Ctx, Key, Page, PageRequest, Result, error::Kernel};

/// One declared collection, as [`state!`](crate::state) lists it.
#[derive(Debug, Clone, Copy)]
pub struct Table {
    /// `module/collection`.
    pub name: &'static str,
    /// Store prefix: no other table's prefix may start with it.
    pub prefix: &'static [u8],
}

/// A key of a table, with its prefix, and what is stored there.
pub type Entry = (Vec<u8>, Vec<u8>);

impl Table {
    /// Everything in the table as it is stored: for genesis files of modules whose state has no shorter form.
    pub fn entries(&self, ctx: &Ctx) -> Result<Vec<Entry>> {
        let (mut from, to) = (self.prefix.to_vec(), successor(self.prefix));
        let mut out = Vec::new();
        while let Some((key, value)) = ctx.scan(&from, &to, false)? {
            from.clone_from(&key);
            from.push(0);
            out.push((key, value));
        }
        Ok(out)
    }
    /// Whether an entry of [`Table::entries`] may be of this table.
    #[must_use]
    pub fn holds(&self, (key, value): &Entry) -> bool {
        key.starts_with(self.prefix) && !value.is_empty()
    }
    /// Puts an entry of [`Table::entries`] back.
    ///
    /// # Errors
    /// `kernel` corrupt state, if it is not of this table.
    pub fn put(&self, ctx: &mut Ctx, entry: Entry) -> Result<()> {
        if !self.holds(&entry) {
            return Err(Kernel::Corrupt("entry").into());
        }
        ctx.write(&entry.0, entry.1)
    }
}

/// A single value.
pub struct Item<V>(&'static [u8], PhantomData<V>);
/// A sorted map.
pub struct Map<K, V>(&'static [u8], PhantomData<(K, V)>);
/// A sorted set.
pub struct Set<K>(Map<K, bool>);
/// A counter that never gives the same number twice.
pub struct Sequence(Item<u64>);

/// Protobuf writes a default message as nothing, and ICS-23 cannot prove an empty value: such a value is one zero byte,
/// which no protobuf message is.
const EMPTY: &[u8] = &[0];

fn encode(value: &impl Message) -> Vec<u8> {
    let bytes = value.encode_to_vec();
    if bytes.is_empty() { EMPTY.to_vec() } else { bytes }
}

fn decode<V: Message + Default>(bytes: &[u8]) -> Result<V> {
    if bytes == EMPTY {
        return Ok(V::default());
    }
    V::decode(bytes).map_err(|_| Kernel::Corrupt("value").into())
}

impl<V: Message + Default> Item<V> {
    #[doc(hidden)]
    #[must_use]
    pub const fn new(prefix: &'static [u8]) -> Self {
        Self(prefix, PhantomData)
    }
    /// The value, if one was ever set.
    pub fn get(&self, ctx: &Ctx) -> Result<Option<V>> {
        ctx.read(self.0)?.map(|b| decode(&b)).transpose()
    }
    /// Replaces the value.
    pub fn set(&self, ctx: &mut Ctx, value: &V) -> Result<()> {
        ctx.write(self.0, encode(value))
    }
    /// Deletes the value.
    pub fn remove(&self, ctx: &mut Ctx) -> Result<()> {
        ctx.delete(self.0)
    }
}

impl Sequence {
    #[doc(hidden)]
    #[must_use]
    pub const fn new(prefix: &'static [u8]) -> Self {
        Self(Item::new(prefix))
    }
    /// The next number, from 1.
    pub fn next(&self, ctx: &mut Ctx) -> Result<u64> {
        let n = self.last(ctx)?.checked_add(1).ok_or(Kernel::Exhausted("sequence"))?;
        self.0.set(ctx, &n)?;
        Ok(n)
    }
    /// The last number given; 0 if none was.
    pub fn last(&self, ctx: &Ctx) -> Result<u64> {
        Ok(self.0.get(ctx)?.unwrap_or(0))
    }
    /// Goes on after `n`, for genesis.
    pub fn set(&self, ctx: &mut Ctx, n: u64) -> Result<()> {
        self.0.set(ctx, &n)
    }
}

impl<K: Key> Set<K> {
    #[doc(hidden)]
    #[must_use]
    pub const fn new(prefix: &'static [u8]) -> Self {
        Self(Map::new(prefix))
    }
    /// Whether `k` is in it.
    pub fn has(&self, ctx: &Ctx, k: &K) -> Result<bool> {
        self.0.has(ctx, k)
    }
    /// Puts `k` in.
    pub fn insert(&self, ctx: &mut Ctx, k: &K) -> Result<()> {
        self.0.set(ctx, k, &true)
    }
    /// Takes `k` out.
    pub fn remove(&self, ctx: &mut Ctx, k: &K) -> Result<()> {
        self.0.remove(ctx, k)
    }
    /// Members in order whose bytes start with `prefix`.
    pub fn range<'c, 's>(&self, ctx: &'c Ctx<'s>, prefix: &[u8]) -> impl Iterator<Item = Result<K>> + use<'c, 's, K> {
        self.0.range(ctx, prefix).map(|e| e.map(|(k, _)| k))
    }
    /// Members in order, from the one whose bytes are at or after `from` on, as [`Map::range_from`].
    pub fn range_from<'c, 's>(&self, ctx: &'c Ctx<'s>, prefix: &[u8], from: &[u8]) -> impl Iterator<Item = Result<K>> + use<'c, 's, K> {
        self.0.range_from(ctx, prefix, from).map(|e| e.map(|(k, _)| k))
    }
    /// Members from the last one to the first, as [`Map::range_reverse`].
    pub fn range_reverse<'c, 's>(&self, ctx: &'c Ctx<'s>, prefix: &[u8]) -> impl Iterator<Item = Result<K>> + use<'c, 's, K> {
        self.0.range_reverse(ctx, prefix).map(|e| e.map(|(k, _)| k))
    }
    /// One page of the members that start with `prefix` and that `keep` keeps.
    pub fn page_filtered(
        &self,
        ctx: &Ctx,
        prefix: &[u8],
        request: &PageRequest,
        mut keep: impl FnMut(&K) -> Result<bool>,
    ) -> Result<(Vec<K>, Page)> {
        let (entries, page) = self.0.page_filtered(ctx, prefix, request, |k, _| keep(k))?;
        Ok((entries.into_iter().map(|(k, _)| k).collect(), page))
    }
    /// One page of the members that start with `prefix`.
    pub fn page(&self, ctx: &Ctx, prefix: &[u8], request: &PageRequest) -> Result<(Vec<K>, Page)> {
        let (entries, page) = self.0.page(ctx, prefix, request)?;
        Ok((entries.into_iter().map(|(k, _)| k).collect(), page))
    }
}

impl<K: Key, V: Message + Default> Map<K, V> {
    #[doc(hidden)]
    #[must_use]
    pub const fn new(prefix: &'static [u8]) -> Self {
        Self(prefix, PhantomData)
    }
    fn key(&self, k: &K) -> Vec<u8> {
        let mut out = self.0.to_vec();
        k.write(&mut out);
        out
    }
    /// Whether there is a value at `k`.
    pub fn has(&self, ctx: &Ctx, k: &K) -> Result<bool> {
        ctx.has(&self.key(k))
    }
    /// The value at `k`.
    pub fn get(&self, ctx: &Ctx, k: &K) -> Result<Option<V>> {
        ctx.read(&self.key(k))?.map(|b| decode(&b)).transpose()
    }
    /// Replaces the value at `k`.
    pub fn set(&self, ctx: &mut Ctx, k: &K, v: &V) -> Result<()> {
        ctx.write(&self.key(k), encode(v))
    }
    /// Deletes the value at `k`.
    pub fn remove(&self, ctx: &mut Ctx, k: &K) -> Result<()> {
        ctx.delete(&self.key(k))
    }
    /// Entries in key order whose key starts with `prefix` (an encoded leading part, see [`key_prefix`](crate::key_prefix); empty for all).
    pub fn range<'c, 's>(&self, ctx: &'c Ctx<'s>, prefix: &[u8]) -> impl Iterator<Item = Result<(K, V)>> + use<'c, 's, K, V> {
        self.walk(ctx, prefix, prefix, false)
    }
    /// As [`Map::range`], from the entry whose encoded key is at or after `from` on.
    pub fn range_from<'c, 's>(
        &self,
        ctx: &'c Ctx<'s>,
        prefix: &[u8],
        from: &[u8],
    ) -> impl Iterator<Item = Result<(K, V)>> + use<'c, 's, K, V> {
        self.walk(ctx, prefix, from, false)
    }
    /// As [`Map::range`], from the last entry to the first.
    pub fn range_reverse<'c, 's>(&self, ctx: &'c Ctx<'s>, prefix: &[u8]) -> impl Iterator<Item = Result<(K, V)>> + use<'c, 's, K, V> {
        self.walk(ctx, prefix, prefix, true)
    }
    fn walk<'c, 's>(
        &self,
        ctx: &'c Ctx<'s>,
        prefix: &[u8],
        from: &[u8],
        reverse: bool,
    ) -> impl Iterator<Item = Result<(K, V)>> + use<'c, 's, K, V> {
        let start = [self.0, prefix].concat();
        let mut end = successor(&start);
        let mut from = [self.0, from].concat().max(start);
        let skip = self.0.len();
        let mut done = false;
        std::iter::from_fn(move || {
            if done {
                return None;
            }
            match ctx.scan(&from, &end, reverse).and_then(|found| found.map(|(k, v)| entry(skip, k, &v)).transpose()) {
                Ok(Some((raw, k, v))) => {
                    if reverse {
                        end = raw;
                    } else {
                        from = [raw.as_slice(), &[0]].concat();
                    }
                    Some(Ok((k, v)))
                }
                Ok(None) => {
                    done = true;
                    None
                }
                Err(e) => {
                    done = true;
                    Some(Err(e))
                }
            }
        })
    }
    /// One page of the entries whose key starts with `prefix`. `next_key` is the encoded rest of a key below `prefix`.
    pub fn page(&self, ctx: &Ctx, prefix: &[u8], request: &PageRequest) -> Result<(Vec<(K, V)>, Page)> {
        self.page_filtered(ctx, prefix, request, |_, _| Ok(true))
    }
    /// As [`Map::page`], of the entries that `keep` keeps.
    pub fn page_filtered(
        &self,
        ctx: &Ctx,
        prefix: &[u8],
        request: &PageRequest,
        mut keep: impl FnMut(&K, &V) -> Result<bool>,
    ) -> Result<(Vec<(K, V)>, Page)> {
        request.validate()?;
        let start = [self.0, prefix].concat();
        let (mut from, mut end) = (start.clone(), successor(&start));
        if !request.key.is_empty() {
            let at = [start.as_slice(), &request.key].concat();
            if request.reverse { end = [at.as_slice(), &[0]].concat() } else { from = at }
        }
        let count = request.count();
        let last = request.offset.saturating_add(request.bounded_limit());
        let (mut out, mut page, mut seen) = (Vec::new(), Page::default(), 0_u64);
        while let Some((raw, value)) = ctx.scan(&from, &end, request.reverse)? {
            let (raw, k, v) = entry(self.0.len(), raw, &value)?;
            if request.reverse {
                end.clone_from(&raw)
            } else {
                from = [raw.as_slice(), &[0]].concat()
            }
            if !keep(&k, &v)? {
                continue;
            }
            if seen >= last && page.next_key.is_empty() {
                page.next_key = raw.get(start.len()..).unwrap_or(&[]).to_vec();
                if count.is_none() {
                    break;
                }
            }
            if count.is_some_and(|most| seen >= most.max(last)) {
                return Ok((out, page));
            }
            if seen >= request.offset && seen < last {
                out.push((k, v));
            }
            seen = seen.saturating_add(1);
        }
        page.total = count.map_or(0, |_| seen);
        Ok((out, page))
    }
}

fn entry<K: Key, V: Message + Default>(skip: usize, raw: Vec<u8>, value: &[u8]) -> Result<(Vec<u8>, K, V)> {
    let mut rest = raw.get(skip..).ok_or(Kernel::Corrupt("key"))?;
    let key = K::read(&mut rest).filter(|_| rest.is_empty()).ok_or(Kernel::Corrupt("key"))?;
    Ok((raw, key, decode(value)?))
}

/// The least bytes above everything that starts with `prefix`.
fn successor(prefix: &[u8]) -> Vec<u8> {
    let mut end = prefix.to_vec();
    while let Some(last) = end.pop() {
        if let Some(next) = last.checked_add(1) {
            end.push(next);
            break;
        }
    }
    end
}

/// Declares a module's collections once: the constants and the list that tests and tools read.
#[macro_export]
macro_rules! state {
    ($module:literal; $( $(#[$doc:meta])* $name:ident : $ty:ty = $tag:literal; )*) => {
        $( $(#[$doc])* pub(crate) const $name: $ty = <$ty>::new(concat!($module, "/", $tag, "/").as_bytes()); )*
        /// Every collection of this module.
        pub(crate) const TABLES: &[$crate::Table] = &[ $( $crate::Table {
            name: concat!($module, "/", stringify!($name)),
            prefix: concat!($module, "/", $tag, "/").as_bytes(),
        } ),* ];
    };
}
