//! What the kernel must hold for any input, one function an entry of it: none panics, and each agrees with a slower way to the same
//! answer, written apart from the kernel.
//!
//! The fuzz targets call these with what libFuzzer finds; `tests/corpus.rs` of the kernel calls them with what it found before.

mod block_model;
mod hash_model;
mod header_model;
mod index_model;
mod source;
mod transaction_model;

use headway_kernel::block::{self, Block};
use headway_kernel::hash::{
    Hash, State, compress_each, compress_pair, pad_to_two, sha256d, sha256d_many, sha256d_two_blocks,
};
use headway_kernel::verdict::Fault;
use headway_kernel::{difficulty, headers, limit, merkle, read, script};
use num_bigint::BigUint;
use sha2::{Digest, Sha256};

use source::Source;

/// Double SHA-256 by the front end of another crate.
fn plain_hash(message: &[u8]) -> Hash {
    Sha256::digest(Sha256::digest(message)).into()
}

/// Hashing, one message or many, in pairs or alone.
pub fn hashes(data: &[u8]) {
    assert_eq!(sha256d(data), plain_hash(data));
    let mut source = Source::new(data);
    let states: [State; 2] = std::array::from_fn(|_| std::array::from_fn(|_| source.u32()));
    let (left, right) = data.as_chunks().0.split_at(data.len() / 128);
    let right = &right[..left.len()];
    let slow = [hash_model::compress(states[0], left), hash_model::compress(states[1], right)];
    for compress in [compress_pair, compress_each] {
        let [mut a, mut b] = states;
        compress([&mut a, &mut b], left, right);
        assert_eq!([a, b], slow);
    }

    let mut messages = Vec::new();
    while !source.is_empty() && messages.len() < 64 {
        let sizes = [source.byte(), source.byte(), source.byte()];
        messages.push(sizes.map(|size| source.bytes(usize::from(size))));
    }
    let expected: Vec<_> = messages.iter().map(|parts| plain_hash(&parts.concat())).collect();
    assert_eq!(sha256d_many(messages.iter().copied()), expected);

    let mut found = Vec::new();
    sha256d_two_blocks(data.as_chunks::<80>().0.iter().map(pad_to_two), |hash| found.push(hash));
    sha256d_two_blocks(data.as_chunks::<64>().0.iter().map(pad_to_two), |hash| found.push(hash));
    assert!(found.into_iter().eq(data.chunks_exact(80).chain(data.chunks_exact(64)).map(plain_hash)));
}

/// Merkle roots of leaves that are often equal.
pub fn merkle_root(data: &[u8]) {
    let leaves: Vec<Hash> = data.iter().map(|byte| [byte % 16; 32]).collect();
    let (mut level, mut mutated) = (leaves.clone(), false);
    while level.len() > 1 {
        mutated |= level.chunks_exact(2).any(|pair| pair[0] == pair[1]);
        let above = level.chunks(2).map(|pair| plain_hash(&[pair[0], pair[pair.len() - 1]].concat())).collect();
        level = above;
    }
    assert_eq!(merkle::root(leaves), (level.first().copied().unwrap_or_default(), mutated));
}

/// Hashes and works of a linked run of headers, and the arithmetic of their bits.
pub fn restore_headers(data: &[u8]) {
    let restored = headers::restore(data);
    assert_eq!(restored.is_some(), data.len().is_multiple_of(80));
    let Some((hashes, works)) = restored else { return };
    let named = data.chunks(80).skip(1).map(|raw| raw[4..36].try_into().unwrap());
    assert!(hashes.into_iter().eq(named.chain(data.chunks(80).next_back().map(plain_hash))));
    let works = works.runs().flat_map(|(work, count)| std::iter::repeat_n(work, count));
    let bits = data.chunks(80).map(|raw| u32::from_le_bytes(raw[72..76].try_into().unwrap()));
    let mut count = 0;
    for (work, bits) in works.zip(bits) {
        let target = header_model::target(bits);
        let two_256 = BigUint::from(1_u32) << 256;
        let fits = target > BigUint::ZERO && target < two_256;
        let expected = if fits { two_256 / (&target + 1_u32) } else { BigUint::ZERO };
        assert_eq!(BigUint::from_bytes_le(&work.to_le_bytes()), expected, "{bits:08x}");
        if let Some(found) = difficulty::target_of(bits).filter(|_| fits) {
            assert_eq!(BigUint::from_bytes_le(&found.to_le_bytes()), target);
            assert_eq!(difficulty::bits_of(found), header_model::bits(&target));
        }
        count += 1;
    }
    assert_eq!(count, data.len() / 80);
}

/// The rules of headers, against a model that looks back as far as Core does.
pub fn check_headers(data: &[u8]) {
    header_model::compare(&mut Source::new(data));
    for stride in [80, 81, 0, 79] {
        let wanted = stride >= 80 && (data.len().is_multiple_of(stride) || (stride > 80 && data.len() % stride == 80));
        assert_eq!(headers::hashes(data, stride).is_some(), wanted);
    }
}

/// Reading a block, against a plain reader; and counting signature operations.
pub fn scan_block(data: &[u8]) {
    assert_eq!(script::count_sigops(data), transaction_model::count_sigops(data));
    let raw = [&[0; 80], data].concat();
    let model = transaction_model::read(&raw);
    let found = Block::scan(&raw);
    assert_eq!(found.is_ok(), model.is_ok(), "{:?} {:?}", found.err(), model.err());
    let (Ok(block), Ok(model)) = (found, model) else { return };
    let expected: Vec<_> = model.iter().map(|transaction| transaction.bytes(transaction.has_witness())).collect();
    let spans: Vec<_> = block.offsets().map(|(at, length)| raw[at..at + length].to_vec()).collect();
    assert_eq!(spans, expected);
    let txids = block.txids();
    assert!(txids.iter().copied().eq(model.iter().map(|transaction| plain_hash(&transaction.bytes(false)))));
    let wtxids = expected.iter().map(|bytes| plain_hash(bytes));
    if !model.is_empty() {
        assert!(block.wtxids(&txids).into_iter().eq(std::iter::once([0; 32]).chain(wtxids.skip(1))));
    }
    assert_eq!(limit::block_roots(&raw, false), Ok(merkle::root(txids).0));
}

/// The rules of blocks, against a model that reads everything and judges it afterwards.
pub fn check_block(data: &[u8]) {
    let mut source = Source::new(data);
    let (rules, median_time, repair) = block_model::circumstances(&mut source);
    let header = source.bytes_padded::<80>();
    let raw = block_model::repaired([&header, source.rest()].concat(), repair);
    let hash = if repair.hash { plain_hash(&raw[..80]) } else { [0; 32] };
    let check = block::check(&raw, &hash, &rules, median_time);
    let model = block_model::judge(&raw, &hash, &rules, median_time);
    let fault = check.fault.as_ref().map_or("", |(fault, _)| match fault {
        Fault::Encoding(read::Encoding::Truncated) if raw.len() < 80 => fault.name(),
        Fault::Encoding(_) => "encoding",
        fault => fault.name(),
    });
    assert_eq!(fault, model.fault);
    assert_eq!((check.transactions, check.weight), (model.transactions, model.weight));
    if fault.is_empty() {
        assert!(check.unchecked.iter().map(|item| item.name()).eq(model.unchecked));
    }
}

/// The index, against a map.
pub fn header_index(data: &[u8]) {
    index_model::compare(&mut Source::new(data));
}
