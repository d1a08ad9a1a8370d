//! Bitcoin headers, a whole message at a time: hashes, works and every rule that a header can break.
//!
//! The twin of `kernel/headers.py` and `header_rules.py`, for complete contexts only. The rules: Core `CheckBlockHeader` and
//! `ContextualCheckBlockHeader` (validation.cpp), in its order and by its names.

use ethnum::U256;

use crate::difficulty::{PERIOD, bits_of, retarget, target_of, work_of};
use crate::hash::{Hash, pad_to_two, sha256d, sha256d_two_blocks};

/// Bytes of a header.
pub const HEADER_SIZE: usize = 80;
/// Headers whose median time the next must exceed (Core `CBlockIndex::nMedianTimeSpan`).
pub const MEDIAN_SPAN: usize = 11;
/// Seconds that a header may lie ahead of our clock (Core `MAX_FUTURE_BLOCK_TIME`).
const MAX_FUTURE: i64 = 2 * 3600;
/// Seconds after the parent beyond which a network with a minimum difficulty demands it (twice Core's `nPowTargetSpacing`).
const MIN_DIFFICULTY_GAP: i64 = 20 * 60;
/// Seconds that a period's first header may lie before its parent (BIP94, Core `MAX_TIMEWARP`).
const MAX_TIMEWARP: i64 = 600;

/// What differs between Bitcoin networks for headers; `HeaderParams` of the face.
#[derive(Debug, Clone, Copy)]
pub struct Params {
    /// Largest target.
    pub pow_limit: U256,
    /// False: bits never change (regtest).
    pub retarget: bool,
    /// Headers 20 minutes after their parent must have the bits of `pow_limit` (testnet3, testnet4).
    pub min_difficulty: bool,
    /// Retarget from the period's first bits, and no first header long before its parent (testnet4).
    pub bip94: bool,
    /// From here on versions of at least 2.
    pub bip34_height: i64,
    /// From here on versions of at least 3.
    pub bip66_height: i64,
    /// From here on versions of at least 4.
    pub bip65_height: i64,
}

/// What is known of the chain before the next header; `HeaderContext` of the face, complete. Before genesis the height is -1,
/// the hash zero, and nothing else is read.
#[derive(Debug, Clone, Copy)]
pub struct Context {
    /// Of the last header before.
    pub height: i64,
    /// Of that header.
    pub hash: Hash,
    /// Of the up to eleven headers that end there.
    pub times: Times,
    /// Of that header.
    pub bits: u32,
    /// Time of the first header of its period.
    pub first_time: u32,
    /// Bits of the first header of its period.
    pub period_bits: u32,
}

/// The last eleven times.
#[derive(Debug, Clone, Copy)]
pub struct Times {
    /// A ring; what is not there yet counts as later than everything.
    ring: [u32; MEDIAN_SPAN],
    len: usize,
    /// Where the next goes, which is where the oldest is once the ring is full.
    next: usize,
}

impl Times {
    /// No times at all.
    pub const EMPTY: Self = Self { ring: [u32::MAX; MEDIAN_SPAN], len: 0, next: 0 };

    /// Add the next; the oldest goes when there are eleven.
    pub fn push(&mut self, time: u32) {
        if let Some(oldest) = self.ring.get_mut(self.next) {
            *oldest = time;
        }
        self.next = if self.next + 1 == MEDIAN_SPAN { 0 } else { self.next + 1 };
        self.len = MEDIAN_SPAN.min(self.len + 1);
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Oldest first.
    pub fn iter(&self) -> impl Iterator<Item = u32> {
        let oldest = if self.len < MEDIAN_SPAN { 0 } else { self.next };
        (0..self.len).filter_map(move |at| self.ring.get((oldest + at) % MEDIAN_SPAN).copied())
    }

    fn newest(&self) -> Option<u32> {
        let at = if self.next == 0 { MEDIAN_SPAN } else { self.next } - 1;
        self.ring.get(at).copied().filter(|_| !self.is_empty())
    }

    /// Whether `time` is above their median (the upper one of an even number). Of none it is.
    fn median_is_below(&self, time: u32) -> bool {
        let earlier = self.ring.iter().filter(|&&other| other < time).count();
        self.is_empty() || earlier > self.len / 2
    }
}

/// The rule that a header broke. The names are Core's reject reasons.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// It does not name the header before it.
    Link,
    /// The hash is above its target, or the bits encode none up to the limit.
    Work,
    /// Not the bits that the chain before demands.
    Bits,
    /// The time is not above the median of those before.
    Median,
    /// BIP94: the first header of a period is much older than its parent.
    Timewarp,
    /// The time is too far ahead of our clock.
    Future,
    /// A version that a soft fork made obsolete.
    Version,
}

impl Rule {
    /// The name in verdicts.
    pub fn name(self) -> &'static str {
        match self {
            Self::Link => "bad-prevblk",
            Self::Work => "high-hash",
            Self::Bits => "bad-diffbits",
            Self::Median => "time-too-old",
            Self::Timewarp => "time-timewarp-attack",
            Self::Future => "time-too-new",
            Self::Version => "bad-version",
        }
    }
}

/// The first headers passed, one hash each, and then one broke a rule, unless there is none.
#[derive(Debug)]
pub struct Check {
    /// Of the accepted headers.
    pub hashes: Vec<Hash>,
    /// Works of the accepted headers.
    pub works: Works,
    /// What the next header broke, and how, for people.
    pub broken: Option<(Rule, String)>,
    /// After the last accepted header.
    pub context: Context,
}

/// Works of headers, each run of equal ones once: they seldom change.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Works {
    runs: Vec<(u32, U256, usize)>,
}

impl Works {
    /// Add the work of a header with these bits.
    fn push(&mut self, bits: u32) {
        match self.runs.last_mut() {
            Some((last, _, count)) if *last == bits => *count += 1,
            _ => self.runs.push((bits, work_of(bits), 1)),
        }
    }

    /// How many works.
    pub fn len(&self) -> usize {
        self.runs.iter().map(|(_, _, count)| count).sum()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// The works in order, as (work, how many headers have it).
    pub fn runs(&self) -> impl Iterator<Item = (U256, usize)> {
        self.runs.iter().map(|&(_, work, count)| (work, count))
    }
}

/// The fields that rules look at.
struct Header<'a> {
    version: i32,
    prev_hash: &'a [u8],
    time: u32,
    bits: u32,
}

impl<'a> Header<'a> {
    fn read(raw: &'a [u8; HEADER_SIZE]) -> Self {
        Self {
            version: i32::from_le_bytes([raw[0], raw[1], raw[2], raw[3]]),
            prev_hash: &raw[4..36],
            time: u32::from_le_bytes([raw[68], raw[69], raw[70], raw[71]]),
            bits: bits_field(raw),
        }
    }
}

fn bits_field(raw: &[u8; HEADER_SIZE]) -> u32 {
    u32::from_le_bytes([raw[72], raw[73], raw[74], raw[75]])
}

/// The headers in `raw`, one every `stride` bytes; what follows the last may be left out. None when a header is torn.
fn split(raw: &[u8], stride: usize) -> Option<impl Iterator<Item = &[u8; HEADER_SIZE]> + Clone> {
    let gap = stride.checked_sub(HEADER_SIZE)?;
    let torn = !matches!(raw.len() % stride, 0 | HEADER_SIZE) || (raw.len() % stride == HEADER_SIZE && gap == 0);
    (!torn).then(|| raw.chunks(stride).filter_map(|chunk| chunk.first_chunk()))
}

/// The hash of each header in `raw`, one every `stride` bytes. None when a header is torn.
pub fn hashes(raw: &[u8], stride: usize) -> Option<Vec<Hash>> {
    let headers = split(raw, stride)?;
    let mut hashes = Vec::with_capacity(raw.len() / stride + 1);
    sha256d_two_blocks(headers.map(pad_to_two), |hash| hashes.push(hash));
    Some(hashes)
}

/// Hashes and works of a linked run that was judged before: no rules. None when a header is torn. Each header names the hash of the
/// one before, so only the last is hashed.
pub fn restore(raw: &[u8]) -> Option<(Vec<Hash>, Works)> {
    let headers = split(raw, HEADER_SIZE)?;
    let mut works = Works::default();
    headers.clone().for_each(|header| works.push(bits_field(header)));
    let named = headers.skip(1).filter_map(|header| Hash::try_from(Header::read(header).prev_hash).ok());
    let last = raw.last_chunk::<HEADER_SIZE>().map(|header| sha256d(header));
    Some((named.chain(last).collect(), works))
}

/// Judge the headers in `raw`, one every `stride` bytes, that follow `context`. None when a header is torn.
pub fn check(raw: &[u8], stride: usize, params: &Params, context: &Context, wall_time: i64) -> Option<Check> {
    let mut hashes = hashes(raw, stride)?;
    let mut judge = Judge::new(params, *context, wall_time);
    let mut works = Works::default();
    let (mut accepted, mut broken) = (0, None);
    for (header, hash) in split(raw, stride)?.map(Header::read).zip(&hashes) {
        if let Some(rule) = judge.refuse(&header, hash) {
            broken = Some((rule, judge.detail(rule, &header)));
            break;
        }
        judge.accept(&header, hash);
        works.push(header.bits);
        accepted += 1;
    }
    hashes.truncate(accepted);
    Some(Check { hashes, works, broken, context: judge.context })
}

/// The rules over one header after another.
struct Judge<'a> {
    params: &'a Params,
    /// The bits of `pow_limit`.
    limit: u32,
    /// The latest time that is not too far ahead.
    latest: i64,
    context: Context,
    /// The last bits that were looked at, and their target, if it is one up to the limit.
    target: (u32, Option<U256>),
}

impl<'a> Judge<'a> {
    fn new(params: &'a Params, context: Context, wall_time: i64) -> Self {
        let latest = wall_time.saturating_add(MAX_FUTURE);
        Self { params, limit: bits_of(params.pow_limit), latest, context, target: (0, None) }
    }

    fn refuse(&mut self, header: &Header, hash: &Hash) -> Option<Rule> {
        let time = i64::from(header.time);
        if header.prev_hash != self.context.hash {
            Some(Rule::Link)
        } else if self.target(header.bits).is_none_or(|target| U256::from_le_bytes(*hash) > target) {
            Some(Rule::Work)
        } else if header.bits != self.required_bits(time) {
            Some(Rule::Bits)
        } else if !self.context.times.median_is_below(header.time) {
            Some(Rule::Median)
        } else if self.is_timewarp(time) {
            Some(Rule::Timewarp)
        } else if time > self.latest {
            Some(Rule::Future)
        } else if header.version < self.oldest_version() {
            Some(Rule::Version)
        } else {
            None
        }
    }

    fn accept(&mut self, header: &Header, hash: &Hash) {
        if self.is_boundary() {
            self.context.first_time = header.time;
            self.context.period_bits = header.bits;
        }
        self.context.height += 1;
        self.context.hash = *hash;
        self.context.bits = header.bits;
        self.context.times.push(header.time);
    }

    fn detail(&self, rule: Rule, header: &Header) -> String {
        let Header { version, time, bits, .. } = header;
        match rule {
            Rule::Link => "it does not name the header before it".to_owned(),
            Rule::Work => format!("the hash is above what bits {bits:08x} allow"),
            Rule::Bits => format!("bits {bits:08x}, required {:08x}", self.required_bits(i64::from(*time))),
            Rule::Median => format!("time {time} is not above the median"),
            Rule::Timewarp => format!("time {time} is too long before its parent's, at the start of a period"),
            Rule::Future => format!("time {time} is {} s too far ahead of the clock", i64::from(*time) - self.latest),
            Rule::Version => format!("version {version}, at least {} at this height", self.oldest_version()),
        }
    }

    /// Height of the header being judged.
    fn height(&self) -> i64 {
        self.context.height + 1
    }

    /// Whether that is the first of a period.
    fn is_boundary(&self) -> bool {
        self.height() % PERIOD == 0
    }

    /// The target of `bits`, unless they encode none or one above the limit.
    fn target(&mut self, bits: u32) -> Option<U256> {
        if self.target.0 != bits {
            let allowed = U256::ONE..=self.params.pow_limit;
            self.target = (bits, target_of(bits).filter(|target| allowed.contains(target)));
        }
        self.target.1
    }

    /// Core `GetNextWorkRequired`.
    fn required_bits(&self, time: i64) -> u32 {
        let Params { pow_limit, retarget: retargets, min_difficulty, bip94, .. } = *self.params;
        let Context { bits, first_time, period_bits, .. } = self.context;
        if !retargets || self.height() == 0 {
            self.limit
        } else if self.is_boundary() {
            let base = if min_difficulty && !bip94 { bits } else { period_bits };
            retarget(base, self.time_before() - i64::from(first_time), pow_limit)
        } else if min_difficulty && time > self.time_before() + MIN_DIFFICULTY_GAP {
            self.limit
        } else {
            period_bits
        }
    }

    fn is_timewarp(&self, time: i64) -> bool {
        let applies = self.params.bip94 && self.is_boundary() && !self.context.times.is_empty();
        applies && time < self.time_before() - MAX_TIMEWARP
    }

    fn oldest_version(&self) -> i32 {
        let Params { bip34_height, bip66_height, bip65_height, .. } = *self.params;
        let gates = [(4, bip65_height), (3, bip66_height), (2, bip34_height)];
        gates.into_iter().find(|(_, height)| self.height() >= *height).map_or(i32::MIN, |(version, _)| version)
    }

    fn time_before(&self) -> i64 {
        self.context.times.newest().map_or(0, i64::from)
    }
}

#[cfg(test)]
mod tests;
