//! The header index: hash to position, and for each position raw header, parent, height and chainwork, in columns.
//!
//! Positions count up in order of arrival; nothing is ever removed. A header takes about 115 bytes: its hash, its record without
//! the previous hash (that is its parent's), 24 bytes of numbers, and 6 to 11 in the table.

use std::hash::{BuildHasher, RandomState};

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

use crate::hash::Hash;

/// Where a record that begins like a Bitcoin header has its parent's hash.
const PREV_HASH: std::ops::Range<usize> = 4..36;
/// Parent of a header that has none.
const NO_PARENT: u32 = u32::MAX;
/// The most headers: positions must fit the reference's 32 bits, which have a sign.
const MAX_HEADERS: usize = i32::MAX as usize;

/// Why a run of headers was not taken. The index is as it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// The numbers of records, hashes and works differ, or the parent is no position.
    Sizes,
    /// A hash stands in the index already, or twice in the run.
    Known,
    /// The chainwork needs more than 128 bits. No chain has that: it would take as many hashes.
    Overflow,
}

/// See the module.
#[derive(Debug)]
pub struct HeaderIndex {
    record_size: usize,
    /// Positions by hash. Seeded, so that nobody can grind hashes that collide.
    table: HashTable<u32>,
    seed: Seed,
    hashes: Vec<Hash>,
    /// `kept_size` bytes a header.
    records: Vec<u8>,
    /// Previous hashes of the records that do not name their parent, by position. Linked headers leave none.
    unlinked: Vec<(u32, Hash)>,
    parents: Vec<u32>,
    heights: Vec<u32>,
    works: Vec<u128>,
}

impl HeaderIndex {
    /// An empty index of records of that many bytes; 0 keeps none.
    pub fn new(record_size: usize) -> Self {
        Self {
            record_size,
            table: HashTable::new(),
            seed: Seed::random(),
            hashes: Vec::new(),
            records: Vec::new(),
            unlinked: Vec::new(),
            parents: Vec::new(),
            heights: Vec::new(),
            works: Vec::new(),
        }
    }

    /// How many headers there are.
    pub fn len(&self) -> usize {
        self.hashes.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.hashes.is_empty()
    }

    /// Where the header of this hash stands.
    pub fn find(&self, hash: &Hash) -> Option<u32> {
        self.table.find(self.seed.slot(hash), |&at| self.hash(at) == Some(hash)).copied()
    }

    /// Append a linked run and return the position of its first header. That one's parent is `parent`, each next one's the header
    /// before it. `works`: of each header by itself.
    pub fn extend(&mut self, raw: &[u8], hashes: &[Hash], parent: Option<u32>, works: &[u128]) -> Result<u32, Refused> {
        let (first, count) = (self.len(), works.len());
        let fits = first + count <= MAX_HEADERS && parent.is_none_or(|parent| (parent as usize) < first);
        if hashes.len() != count || Some(raw.len()) != self.record_size.checked_mul(count) || !fits {
            return Err(Refused::Sizes);
        }
        let first = u32::try_from(first).map_err(|_| Refused::Sizes)?;
        self.add_works(parent, works)?;
        self.add_hashes(first, hashes).inspect_err(|_| self.works.truncate(first as usize))?;
        let height = parent.and_then(|parent| self.height(parent)).map_or(0, |height| height + 1);
        self.heights.extend((height..).take(count));
        let parents = std::iter::once(parent.unwrap_or(NO_PARENT)).chain(first..).take(count);
        self.parents.extend(parents);
        self.add_records(first, parent, raw, hashes);
        Ok(first)
    }

    fn add_works(&mut self, parent: Option<u32>, works: &[u128]) -> Result<(), Refused> {
        let before = self.works.len();
        let mut total = parent.and_then(|parent| self.chainwork(parent)).unwrap_or(0);
        for work in works {
            let Some(sum) = total.checked_add(*work) else {
                self.works.truncate(before);
                return Err(Refused::Overflow);
            };
            total = sum;
            self.works.push(total);
        }
        Ok(())
    }

    fn add_hashes(&mut self, first: u32, hashes: &[Hash]) -> Result<(), Refused> {
        self.make_room(hashes.len());
        self.hashes.extend_from_slice(hashes);
        let (column, seed) = (&self.hashes, self.seed);
        let at = |position: &u32| column.get(*position as usize);
        let slot_at = |position: &u32| at(position).map_or(0, |hash| seed.slot(hash));
        for (position, hash) in (first..).zip(hashes) {
            match self.table.entry(seed.slot(hash), |other| at(other) == Some(hash), slot_at) {
                Entry::Vacant(entry) => entry.insert(position),
                Entry::Occupied(_) => {
                    self.forget_hashes(first, position);
                    return Err(Refused::Known);
                }
            };
        }
        Ok(())
    }

    /// Room in the table for that many more. It is made anew from the column of hashes, which is read in order; to grow it where it
    /// is would read them in the order of the table, at a cache miss each.
    fn make_room(&mut self, count: usize) {
        let (wanted, capacity) = (self.len() + count, self.table.capacity());
        if wanted <= capacity {
            return;
        }
        self.table = HashTable::new(); // the old one is free before the new one is taken
        self.table = HashTable::with_capacity(wanted.max(capacity + 1));
        for (position, hash) in (0..).zip(&self.hashes) {
            self.table.insert_unique(self.seed.slot(hash), position, |_| 0); // there is room: it asks for no other's slot
        }
    }

    /// Take back what `add_hashes` did: positions `first` to `stop` from the table, all from `first` on from the column.
    fn forget_hashes(&mut self, first: u32, stop: u32) {
        for position in first..stop {
            let Some(hash) = self.hash(position) else { continue };
            if let Ok(entry) = self.table.find_entry(self.seed.slot(hash), |&at| at == position) {
                entry.remove();
            }
        }
        self.hashes.truncate(first as usize);
    }

    fn add_records(&mut self, first: u32, parent: Option<u32>, raw: &[u8], hashes: &[Hash]) {
        if self.kept_size() == self.record_size {
            self.records.extend_from_slice(raw);
            return;
        }
        let before = parent.and_then(|parent| self.hash(parent)).copied().unwrap_or_default();
        let parents = std::iter::once(&before).chain(hashes);
        for ((position, record), parent) in (first..).zip(raw.chunks_exact(self.record_size)).zip(parents) {
            let (version, rest) = record.split_at(PREV_HASH.start);
            let (prev_hash, rest) = rest.split_at(PREV_HASH.len());
            if prev_hash != parent {
                self.unlinked.push((position, prev_hash.try_into().unwrap_or_default()));
            }
            self.records.extend_from_slice(version);
            self.records.extend_from_slice(rest);
        }
    }

    /// The previous hash in the record at `position`.
    fn prev_hash(&self, position: u32) -> Hash {
        if let Ok(at) = self.unlinked.binary_search_by_key(&position, |(position, _)| *position) {
            return self.unlinked.get(at).map(|(_, hash)| *hash).unwrap_or_default();
        }
        self.parent(position).flatten().and_then(|parent| self.hash(parent)).copied().unwrap_or_default()
    }

    /// Bytes kept of a record.
    fn kept_size(&self) -> usize {
        if self.record_size < PREV_HASH.end { self.record_size } else { self.record_size - PREV_HASH.len() }
    }

    /// The hash at a position, None beyond the end; so with all that follow.
    pub fn hash(&self, position: u32) -> Option<&Hash> {
        self.hashes.get(position as usize)
    }

    /// The raw header, as it was given.
    pub fn raw(&self, position: u32) -> Option<Vec<u8>> {
        self.hash(position)?;
        let size = self.kept_size();
        let kept = self.records.get(position as usize * size..)?.get(..size)?;
        let mut record = Vec::with_capacity(self.record_size);
        if size == self.record_size {
            record.extend_from_slice(kept);
        } else {
            let (version, rest) = kept.split_at_checked(PREV_HASH.start)?;
            record.extend_from_slice(version);
            record.extend_from_slice(&self.prev_hash(position));
            record.extend_from_slice(rest);
        }
        Some(record)
    }

    /// The parent's position, or Some(None) for a header without one.
    pub fn parent(&self, position: u32) -> Option<Option<u32>> {
        self.parents.get(position as usize).map(|&parent| (parent != NO_PARENT).then_some(parent))
    }

    /// Distance from the header without a parent.
    pub fn height(&self, position: u32) -> Option<u32> {
        self.heights.get(position as usize).copied()
    }

    /// Work of the chain up to and including this header.
    pub fn chainwork(&self, position: u32) -> Option<u128> {
        self.works.get(position as usize).copied()
    }
}

/// Spreads hashes over the table in a way that differs from process to process.
#[derive(Debug, Clone, Copy)]
struct Seed {
    mask: u64,
    factor: u64,
}

impl Seed {
    fn random() -> Self {
        let random = RandomState::new();
        Self { mask: random.hash_one(0), factor: random.hash_one(1) | 1 }
    }

    /// Where a hash belongs. Eight of its bytes will do: to find two that share them takes 2^32 hashes.
    fn slot(self, hash: &Hash) -> u64 {
        let bytes = hash.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes));
        let product = (u128::from(bytes ^ self.mask) * u128::from(self.factor)).to_le_bytes();
        product.as_chunks().0.iter().fold(0, |folded, half| folded ^ u64::from_le_bytes(*half))
    }
}

#[cfg(test)]
#[expect(clippy::cast_possible_truncation, reason = "the numbers of tests are small")]
mod tests {
    use super::*;

    fn hash(n: u8) -> Hash {
        [n; 32]
    }

    /// A record of 80 bytes that names `prev_hash`.
    fn record(n: u8, prev_hash: Hash) -> Vec<u8> {
        [vec![n; 4], prev_hash.to_vec(), vec![n ^ 0x55; 44]].concat()
    }

    #[test]
    fn a_linked_chain_and_a_fork() {
        let mut index = HeaderIndex::new(80);
        let chain: Vec<_> = (1..=3).map(|n| record(n, if n == 1 { [0; 32] } else { hash(n - 1) })).collect();
        assert_eq!(index.extend(&chain.concat(), &[hash(1), hash(2), hash(3)], None, &[5, 6, 7]), Ok(0));
        assert_eq!(index.extend(&record(9, hash(1)), &[hash(9)], Some(0), &[100]), Ok(3));
        assert!(index.unlinked.is_empty());
        assert_eq!((index.len(), index.find(&hash(9)), index.find(&hash(8))), (4, Some(3), None));
        assert_eq!(index.raw(2), Some(chain[2].clone()));
        assert_eq!(index.raw(3), Some(record(9, hash(1))));
        let column = |f: &dyn Fn(u32) -> u128| (0..4).map(f).collect::<Vec<_>>();
        assert_eq!(column(&|at| index.chainwork(at).unwrap()), [5, 11, 18, 105]);
        assert_eq!(column(&|at| index.height(at).unwrap().into()), [0, 1, 2, 1]);
        assert_eq!((0..4).map(|at| index.parent(at).unwrap()).collect::<Vec<_>>(), [None, Some(0), Some(1), Some(0)]);
        assert_eq!((index.raw(4), index.parent(4), index.height(4), index.chainwork(4)), (None, None, None, None));
    }

    #[test]
    fn records_that_do_not_name_their_parent_come_back_whole() {
        let mut index = HeaderIndex::new(80);
        let records = [record(1, hash(77)), record(2, hash(1)), record(3, hash(99))];
        index.extend(&records.concat(), &[hash(1), hash(2), hash(3)], None, &[1, 1, 1]).unwrap();
        assert_eq!(index.unlinked.len(), 2);
        for (at, record) in (0..).zip(records) {
            assert_eq!(index.raw(at), Some(record));
        }
    }

    #[test]
    fn records_of_other_sizes() {
        for size in [0, 1, 35, 36, 37, 200] {
            let mut index = HeaderIndex::new(size);
            let raw: Vec<u8> = (0..size * 3).map(|i| i as u8).collect();
            index.extend(&raw, &[hash(1), hash(2), hash(3)], None, &[1, 1, 1]).unwrap();
            for at in 0..3 {
                assert_eq!(index.raw(at).as_deref(), raw.get(at as usize * size..(at as usize + 1) * size));
            }
        }
    }

    #[test]
    fn a_refused_run_leaves_no_trace() {
        let mut index = HeaderIndex::new(0);
        index.extend(&[], &[hash(1), hash(2)], None, &[1, u128::MAX - 5]).unwrap();
        let refused = [
            (vec![hash(3), hash(3)], Some(1), vec![1, 1], Refused::Known),
            (vec![hash(3), hash(2)], Some(1), vec![1, 1], Refused::Known),
            (vec![hash(3), hash(4)], Some(1), vec![1], Refused::Sizes),
            (vec![hash(3)], Some(2), vec![1], Refused::Sizes),
            (vec![hash(3), hash(4)], Some(1), vec![1, 4], Refused::Overflow),
        ];
        for (hashes, parent, works, why) in refused {
            assert_eq!(index.extend(&[], &hashes, parent, &works), Err(why));
            assert_eq!((index.len(), index.find(&hash(3)), index.works.len()), (2, None, 2));
        }
        assert_eq!(index.extend(&[1], &[], None, &[]), Err(Refused::Sizes));
        assert_eq!(index.extend(&[], &[hash(3)], Some(1), &[1]), Ok(2));
        assert_eq!(index.extend(&[], &[], Some(1), &[]), Ok(3));
        assert_eq!(index.len(), 3);
    }

    #[test]
    fn many_headers_are_all_found() {
        let mut index = HeaderIndex::new(0);
        let hashes: Vec<Hash> = (0..10_000_u32).map(|n| crate::hash::sha256d(&n.to_le_bytes())).collect();
        let mut parent = None;
        for run in hashes.chunks(777) {
            let first = index.extend(&[], run, parent, &vec![1; run.len()]).unwrap();
            parent = Some(first + run.len() as u32 - 1);
        }
        for (at, hash) in (0..).zip(&hashes) {
            assert_eq!(index.find(hash), Some(at));
        }
        assert_eq!(index.chainwork(9_999), Some(10_000));
    }
}
