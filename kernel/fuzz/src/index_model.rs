//! The header index as a map and a list.

use std::collections::HashMap;

use headway_kernel::hash::Hash;
use headway_kernel::index::{HeaderIndex, Refused};

use super::source::Source;

/// Different hashes, so that runs often meet what is there already.
const HASHES: u32 = 512;
/// Bytes of a record: none, fewer than have a previous hash, just as many, a Bitcoin header.
const SIZES: [usize; 4] = [0, 7, 36, 80];

struct Row {
    hash: Hash,
    record: Vec<u8>,
    parent: Option<u32>,
    height: u32,
    chainwork: u128,
}

#[derive(Default)]
struct Model {
    positions: HashMap<Hash, u32>,
    rows: Vec<Row>,
}

impl Model {
    fn row(&self, position: Option<u32>) -> Option<&Row> {
        position.and_then(|at| self.rows.get(at as usize))
    }

    fn extend(
        &mut self,
        records: Vec<Vec<u8>>,
        hashes: &[Hash],
        mut parent: Option<u32>,
        works: &[u128],
    ) -> Result<u32, Refused> {
        let first = self.rows.len() as u32;
        if parent.is_some() && self.row(parent).is_none() {
            return Err(Refused::Sizes);
        }
        let before = self.row(parent).map_or(0, |row| row.chainwork);
        if works.iter().try_fold(before, |total, work| total.checked_add(*work)).is_none() {
            return Err(Refused::Overflow);
        }
        if (0..hashes.len()).any(|n| self.positions.contains_key(&hashes[n]) || hashes[..n].contains(&hashes[n])) {
            return Err(Refused::Known);
        }
        for ((hash, record), work) in hashes.iter().zip(records).zip(works) {
            let height = self.row(parent).map_or(0, |row| row.height + 1);
            let chainwork = self.row(parent).map_or(0, |row| row.chainwork) + work;
            let position = self.rows.len() as u32;
            self.positions.insert(*hash, position);
            self.rows.push(Row { hash: *hash, record, parent, height, chainwork });
            parent = Some(position);
        }
        Ok(first)
    }
}

/// Some hashes differ behind their first eight bytes only.
fn numbered(n: u32) -> Hash {
    let mut hash = [0; 32];
    hash[usize::from(n.is_multiple_of(3)) * 8..][..4].copy_from_slice(&n.to_le_bytes());
    hash
}

/// Make up runs, give them to both, and compare.
pub fn compare(source: &mut Source) {
    let size = SIZES[usize::from(source.byte() % 4)];
    let (mut index, mut model) = (HeaderIndex::new(size), Model::default());
    while !source.is_empty() && model.rows.len() < 2000 {
        let (count, start, parent) = (u32::from(source.byte() % 32), source.u32() % HASHES, source.u32());
        let parent = (parent % 4 > 0).then(|| parent % (model.rows.len() as u32 + 1));
        let hashes: Vec<_> = (0..count).map(|n| numbered((start + n) % HASHES)).collect();
        let works: Vec<_> = (0..count).map(|_| u128::from(source.u32()) << (source.byte() % 97)).collect();
        let before = model.row(parent).map_or([0; 32], |row| row.hash);
        let linked = source.byte() < 192;
        let links =
            std::iter::once(before).chain(hashes.iter().copied()).map(|link| if linked { link } else { [2; 32] });
        let records: Vec<_> =
            links.map(|link| [&[1; 4], &link[..], &[3; 44]].concat()[..size].to_vec()).take(count as usize).collect();
        let expected = index.extend(&records.concat(), &hashes, parent, &works);
        assert_eq!(model.extend(records, &hashes, parent, &works), expected);
        assert_eq!(index.len(), model.rows.len());
    }
    for (at, row) in (0..).zip(&model.rows) {
        assert_eq!((index.hash(at), index.raw(at).as_ref()), (Some(&row.hash), Some(&row.record)));
        assert_eq!((index.parent(at), index.height(at)), (Some(row.parent), Some(row.height)));
        assert_eq!(index.chainwork(at), Some(row.chainwork));
    }
    for n in 0..HASHES {
        assert_eq!(index.find(&numbered(n)), model.positions.get(&numbered(n)).copied());
    }
    assert_eq!(index.raw(model.rows.len() as u32), None);
}
