//! The native twin of `headway.kernel`: the hot loops, behind the face of `headway/kernel/face.py`.
//!
//! This file is the Python bindings and nothing else (`given` and `convert` help). They take and give bytes, numbers and tuples; the
//! Python side names them. The logic is in the other modules, which know nothing of Python.

pub mod block;
pub mod difficulty;
pub mod hash;
pub mod headers;
pub mod index;
pub mod limit;
pub mod merkle;
pub mod read;
pub mod script;
#[cfg(target_arch = "x86_64")]
mod shani;
pub mod short_id;
pub mod transaction;
pub mod verdict;

#[cfg(feature = "python")]
mod convert;
#[cfg(feature = "python")]
mod given;

#[cfg(feature = "python")]
#[pyo3::pymodule]
#[expect(clippy::needless_pass_by_value, reason = "what Python calls takes its arguments by value")]
mod headway_kernel {
    use pyo3::exceptions::{PyIndexError, PyOverflowError, PyValueError};
    use pyo3::prelude::*;
    use pyo3::types::{PyBytes, PyDict, PySequence, PyTuple};

    use crate::convert::{hash_from, hashes_from, hashes_into, works_from, works_into};
    use crate::given::{Given, unlocked};
    use crate::headers::{Context, Params};
    use crate::index::Refused;
    use crate::{block, hash, headers, index, limit, merkle, short_id, verdict};

    /// Number of the face; `headway.kernel` takes this twin only when it is its own.
    #[pymodule_export]
    const INTERFACE: u32 = 2;
    #[pymodule_export]
    #[expect(non_upper_case_globals, reason = "Python's name for it")]
    const __version__: &str = env!("CARGO_PKG_VERSION");

    #[pyfunction]
    fn sha256d(py: Python<'_>, data: Given) -> Bound<'_, PyBytes> {
        PyBytes::new(py, &unlocked(py, &data, hash::sha256d))
    }

    #[pyfunction]
    fn checksum(py: Python<'_>, data: Given) -> Bound<'_, PyBytes> {
        let [a, b, c, d, ..] = unlocked(py, &data, hash::sha256d);
        PyBytes::new(py, &[a, b, c, d])
    }

    #[pyfunction]
    fn header_hashes(py: Python<'_>, raw: Given, stride: isize) -> PyResult<Bound<'_, PyBytes>> {
        let stride = stride.try_into().unwrap_or(0);
        let hashes = unlocked(py, &raw, |raw| headers::hashes(raw, stride)).ok_or_else(|| torn(&raw, stride))?;
        Ok(hashes_into(py, &hashes))
    }

    #[pyfunction]
    fn restore_headers(py: Python<'_>, raw: Given) -> PyResult<(Bound<'_, PyBytes>, Bound<'_, PyAny>)> {
        let restored = unlocked(py, &raw, headers::restore);
        let (hashes, works) = restored.ok_or_else(|| torn(&raw, headers::HEADER_SIZE))?;
        Ok((hashes_into(py, &hashes), works_into(py, &works)?.into_any()))
    }

    /// The tuple of a `HeaderCheck`, its context the tuple of a `HeaderContext`.
    #[pyfunction]
    fn check_headers<'py>(
        py: Python<'py>,
        raw: Given,
        stride: isize,
        params: Params,
        context: Bound<'py, PyAny>,
        wall_time: i64,
    ) -> PyResult<Bound<'py, PyTuple>> {
        let (stride, before) = (stride.try_into().unwrap_or(0), context.extract::<Context>()?);
        let check = unlocked(py, &raw, |raw| headers::check(raw, stride, &params, &before, wall_time));
        let check = check.ok_or_else(|| torn(&raw, stride))?;
        let (rule, detail) = check.broken.map_or(("", String::new()), |(rule, detail)| (rule.name(), detail));
        let context = match check.hashes.len() {
            0 => context,
            _ => check.context.into_pyobject(py)?.into_any(),
        };
        let (hashes, works) = (hashes_into(py, &check.hashes), works_into(py, &check.works)?);
        (check.hashes.len(), hashes, works, rule, detail, context, PyDict::new(py)).into_pyobject(py)
    }

    #[pyfunction]
    fn merkle_root(py: Python<'_>, hashes: Given) -> PyResult<(Bound<'_, PyBytes>, bool)> {
        hashes_from(hashes.bytes())?;
        let (root, mutated) = unlocked(py, &hashes, |bytes| merkle::root(bytes.as_chunks().0.to_vec()));
        Ok((PyBytes::new(py, &root), mutated))
    }

    #[pyfunction]
    fn short_ids(py: Python<'_>, key0: u64, key1: u64, hashes: Given) -> PyResult<Vec<u64>> {
        hashes_from(hashes.bytes())?;
        Ok(unlocked(py, &hashes, |bytes| short_id::of(key0, key1, bytes.as_chunks().0)))
    }

    /// Offset, length and txid of each transaction.
    #[pyfunction]
    fn scan_block(py: Python<'_>, raw: Given) -> PyResult<Vec<(usize, usize, Bound<'_, PyBytes>)>> {
        let scanned = unlocked(py, &raw, |raw| {
            let block = block::Block::scan(raw)?;
            Ok((block.offsets().collect::<Vec<_>>(), block.txids()))
        });
        let (offsets, txids) =
            scanned.map_err(|fault| PyValueError::new_err(verdict::Fault::Encoding(fault).name()))?;
        let txids = txids.iter().map(|txid| PyBytes::new(py, txid));
        Ok(offsets.into_iter().zip(txids).map(|((offset, length), txid)| (offset, length, txid)).collect())
    }

    /// The tuple of a `BlockCheck`.
    #[pyfunction]
    fn check_block<'py>(
        py: Python<'py>,
        raw: Given,
        block_hash: &[u8],
        rules: block::Rules,
        median_time: Option<i64>,
    ) -> PyResult<Bound<'py, PyTuple>> {
        let block_hash = hash_from(block_hash)?;
        let check = unlocked(py, &raw, |raw| block::check(raw, &block_hash, &rules, median_time));
        let unchecked = PyTuple::new(py, check.unchecked.iter().map(|item| item.name()))?;
        let (status, rule, detail) = match check.fault {
            None => (VALID, "", String::new()),
            Some((fault, detail)) => (if fault.is_mutation() { MUTATED } else { INVALID }, fault.name(), detail),
        };
        (status, rule, detail, check.transactions, check.weight, unchecked).into_pyobject(py)
    }

    const VALID: u8 = 0;
    const MUTATED: u8 = 1;
    const INVALID: u8 = 2;

    fn torn(raw: &Given, stride: usize) -> PyErr {
        let size = raw.bytes().len();
        PyValueError::new_err(format!("{size} bytes are no whole number of headers, one every {stride} bytes"))
    }

    /// See `kernel/index.py`.
    #[pyclass(module = "headway_kernel")]
    struct HeaderIndex(index::HeaderIndex);

    #[pymethods]
    impl HeaderIndex {
        #[new]
        fn new(record_size: usize) -> Self {
            Self(index::HeaderIndex::new(record_size))
        }

        fn __len__(&self) -> usize {
            self.0.len()
        }

        fn find(&self, block_hash: &[u8]) -> i64 {
            block_hash.try_into().ok().and_then(|hash| self.0.find(hash)).map_or(-1, i64::from)
        }

        fn extend(&mut self, raw: Given, hashes: Given, parent: i64, works: &Bound<'_, PySequence>) -> PyResult<u32> {
            let parent = if parent == -1 { None } else { Some(u32::try_from(parent).unwrap_or(u32::MAX)) };
            let extended =
                self.0.extend(raw.bytes(), hashes_from(hashes.bytes())?, parent, &works_from(&works.to_list()?)?);
            extended.map_err(|refused| match refused {
                Refused::Sizes => PyValueError::new_err("sizes of a header run do not agree"),
                Refused::Known => PyValueError::new_err("a header of the run is known already"),
                Refused::Overflow => PyOverflowError::new_err("chainwork of more than 128 bits"),
            })
        }

        fn hash<'py>(&self, py: Python<'py>, position: i64) -> PyResult<Bound<'py, PyBytes>> {
            at(position, |at| self.0.hash(at)).map(|hash| PyBytes::new(py, hash))
        }

        fn raw<'py>(&self, py: Python<'py>, position: i64) -> PyResult<Bound<'py, PyBytes>> {
            at(position, |at| self.0.raw(at)).map(|raw| PyBytes::new(py, &raw))
        }

        fn parent(&self, position: i64) -> PyResult<i64> {
            at(position, |at| self.0.parent(at)).map(|parent| parent.map_or(-1, i64::from))
        }

        fn height(&self, position: i64) -> PyResult<u32> {
            at(position, |at| self.0.height(at))
        }

        fn chainwork(&self, position: i64) -> PyResult<u128> {
            at(position, |at| self.0.chainwork(at))
        }
    }

    /// What stands at a position. `IndexError` where nothing does.
    fn at<T>(position: i64, column: impl FnOnce(u32) -> Option<T>) -> PyResult<T> {
        let found = u32::try_from(position).ok().and_then(column);
        found.ok_or_else(|| PyIndexError::new_err(format!("no header at position {position}")))
    }

    /// For benchmarks: the hashing of `check_headers` and nothing else. Returns how many headers there were.
    #[pyfunction]
    fn limit_headers(py: Python<'_>, raw: Given, stride: usize) -> PyResult<usize> {
        let hashes = unlocked(py, &raw, |raw| headers::hashes(raw, stride)).ok_or_else(|| torn(&raw, stride))?;
        Ok(std::hint::black_box(hashes).len())
    }

    /// For benchmarks: the walk and the hashing of `check_block`, with or without the witness, and nothing else.
    #[pyfunction]
    fn limit_block(py: Python<'_>, raw: Given, witness: bool) -> PyResult<Bound<'_, PyBytes>> {
        let root = unlocked(py, &raw, |raw| limit::block_roots(raw, witness));
        let root = root.map_err(|fault| PyValueError::new_err(verdict::Fault::Encoding(fault).name()))?;
        Ok(PyBytes::new(py, &root))
    }
}
