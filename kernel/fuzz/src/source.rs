//! Numbers and bytes out of a fuzzer's input; zeros once that is used up.

pub struct Source<'a>(&'a [u8]);

impl<'a> Source<'a> {
    pub fn new(data: &'a [u8]) -> Self {
        Self(data)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Up to so many bytes.
    pub fn bytes(&mut self, count: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(count.min(self.0.len()));
        self.0 = rest;
        taken
    }

    pub fn bytes_padded<const N: usize>(&mut self) -> [u8; N] {
        let taken = self.bytes(N);
        std::array::from_fn(|at| taken.get(at).copied().unwrap_or(0))
    }

    pub fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.0)
    }

    pub fn byte(&mut self) -> u8 {
        u8::from_le_bytes(self.bytes_padded())
    }

    pub fn i16(&mut self) -> i16 {
        i16::from_le_bytes(self.bytes_padded())
    }

    pub fn u32(&mut self) -> u32 {
        u32::from_le_bytes(self.bytes_padded())
    }
}
