//! Bytes that Python gives, read where they lie, and the interpreter let go while they are.

use pyo3::buffer::PyBuffer;
use pyo3::prelude::*;

/// Bytes from which on the interpreter is let go, some 30 us of work. To get it back from a busy thread may take longer than less work
/// than that, for CPython's threads change turns every 5 ms.
const LONG_WORK: usize = 64 * 1024;

/// The bytes of an argument. Held until the end of the call.
pub(crate) struct Given {
    view: PyBuffer<u8>,
    /// A copy where the view does not do: somebody may write there, or the bytes do not lie side by side.
    copy: Option<Vec<u8>>,
}

impl<'a, 'py> FromPyObject<'a, 'py> for Given {
    type Error = PyErr;

    fn extract(object: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        let view = PyBuffer::get(&object)?;
        let readable = view.readonly() && view.as_slice_ptr().is_some();
        let copy = if readable { None } else { Some(view.to_vec(object.py())?) };
        Ok(Self { view, copy })
    }
}

impl Given {
    /// The bytes themselves.
    pub(crate) fn bytes(&self) -> &[u8] {
        if let Some(copy) = &self.copy {
            return copy;
        }
        // SAFETY: the memory is there as long as the view is: an object whose buffer is exported neither frees nor moves it. That
        // nobody writes it, though other threads run Python meanwhile, is the ownership rule of headway: arguments are `bytes`, which
        // never change, or read-only memoryviews over a bytearray that its filler has given away and writes no more. A view that
        // may be written was copied above.
        #[expect(unsafe_code, reason = "the one place where Python's bytes are read without a copy")]
        self.view.as_slice_ptr().map_or(&[], |bytes| unsafe { bytes.as_ref() })
    }
}

/// `work` on the bytes; long work lets the interpreter go.
pub(crate) fn unlocked<T: Send>(py: Python<'_>, given: &Given, work: impl Send + FnOnce(&[u8]) -> T) -> T {
    let bytes = given.bytes();
    if bytes.len() < LONG_WORK { work(bytes) } else { py.detach(|| work(bytes)) }
}
