//! Reading bytes of a stranger: every step says whether there are enough, none allocates.

/// Why bytes are no block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// They end too soon.
    Truncated,
    /// A size is not in its shortest form.
    NonCanonicalSize,
    /// The flag byte of a transaction is neither 0 nor 1.
    UnknownFlag,
    /// A transaction has the form with witness, but none in it.
    SuperfluousWitness,
    /// They go on behind the last transaction.
    TrailingBytes,
}

/// What is left to read.
#[derive(Debug, Clone, Copy)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// All of `bytes`.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// How many bytes are left.
    pub fn left(&self) -> usize {
        self.rest.len()
    }

    /// What was read since `start`, an earlier copy of this reader.
    pub fn since(&self, start: &Self) -> &'a [u8] {
        start.rest.get(..start.left().saturating_sub(self.left())).unwrap_or_default()
    }

    /// The next `count` bytes.
    #[inline]
    pub fn take(&mut self, count: usize) -> Result<&'a [u8], Encoding> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or(Encoding::Truncated)?;
        self.rest = rest;
        Ok(taken)
    }

    /// The next `N` bytes.
    #[inline]
    pub fn array<const N: usize>(&mut self) -> Result<&'a [u8; N], Encoding> {
        let (taken, rest) = self.rest.split_first_chunk().ok_or(Encoding::Truncated)?;
        self.rest = rest;
        Ok(taken)
    }

    /// The next byte.
    #[inline]
    pub fn byte(&mut self) -> Result<u8, Encoding> {
        self.array().map(|[byte]| *byte)
    }

    /// A number in its compact form, which must be the shortest (Core `ReadCompactSize`).
    #[inline]
    pub fn compact_size(&mut self) -> Result<u64, Encoding> {
        match self.byte()? {
            253 => self.long_size::<2>(253),
            254 => self.long_size::<4>(1 << 16),
            255 => self.long_size::<8>(1 << 32),
            size => Ok(u64::from(size)),
        }
    }

    fn long_size<const N: usize>(&mut self, least: u64) -> Result<u64, Encoding> {
        let mut bytes = [0; 8];
        for (to, from) in bytes.iter_mut().zip(self.array::<N>()?) {
            *to = *from;
        }
        let size = u64::from_le_bytes(bytes);
        if size < least { Err(Encoding::NonCanonicalSize) } else { Ok(size) }
    }

    /// As many bytes as the compact size before them says.
    #[inline]
    pub fn sized(&mut self) -> Result<&'a [u8], Encoding> {
        let size = self.compact_size()?;
        self.take(usize::try_from(size).map_err(|_| Encoding::Truncated)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_in_their_shortest_form() {
        let sizes: [(&[u8], u64); 6] = [
            (&[0], 0),
            (&[252], 252),
            (&[253, 253, 0], 253),
            (&[253, 255, 255], 0xffff),
            (&[254, 0, 0, 1, 0], 0x1_0000),
            (&[255, 0, 0, 0, 0, 1, 0, 0, 0], 0x1_0000_0000),
        ];
        for (bytes, size) in sizes {
            let mut reader = Reader::new(bytes);
            assert_eq!((reader.compact_size(), reader.left()), (Ok(size), 0));
            for cut in 0..bytes.len() {
                assert_eq!(Reader::new(&bytes[..cut]).compact_size(), Err(Encoding::Truncated));
            }
        }
    }

    #[test]
    fn sizes_in_a_longer_form_are_refused() {
        for bytes in [&[253, 252, 0][..], &[254, 255, 255, 0, 0], &[255, 255, 255, 255, 255, 0, 0, 0, 0]] {
            assert_eq!(Reader::new(bytes).compact_size(), Err(Encoding::NonCanonicalSize));
        }
    }

    #[test]
    fn a_size_beyond_the_end_takes_nothing() {
        assert_eq!(Reader::new(&[2, 1]).sized(), Err(Encoding::Truncated));
        assert_eq!(Reader::new(&[255; 9]).sized(), Err(Encoding::Truncated));
        assert_eq!(Reader::new(&[2, 1, 7, 9]).sized(), Ok(&[1, 7][..]));
    }
}
